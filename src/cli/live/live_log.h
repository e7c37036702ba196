// What Morgan said and did in a stretch of a live conversation, put together from its messages: its answers with
// the time of every sample, transcripts, errors.
#pragma once

#include "base/json_util.h"
#include "cli/live/live_call.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace morgan::cli {

struct HeardAnswer {
  std::int64_t response = 0;
  bool aside = false;  ///< outside the conversation: a filler, an apology
  Time started;
  int rate_hz = 0;
  std::vector<float> samples;
  struct Piece {
    std::size_t end = 0;  ///< samples that had come with it
    Time at;
  };
  std::vector<Piece> pieces;  ///< the messages that brought the samples
  std::string text;           ///< as written so far
  std::optional<Time> ended;
  std::string status;  ///< of its end
  Json turn;           ///< null until the message has come
  std::optional<Time> ducked, held, resumed;

  double seconds() const { return rate_hz > 0 ? static_cast<double>(samples.size()) / rate_hz : 0; }
  struct Onset {
    Time arrived;  ///< the message with the first voiced sample
    Time audible;  ///< when who plays as it comes hears that sample
  };
  /// nullopt: no voice came.
  std::optional<Onset> onset() const;
  /// Milliseconds from the end of speech at which the stage ended, by the server; nullopt: not reached.
  std::optional<double> stage_at_ms(const std::string& stage) const;
};

struct FinalTranscript {
  std::string text;
  Time at;
};

class LiveLog {
 public:
  void take(const Arrival& arrival);

  const std::vector<HeardAnswer>& answers() const { return answers_; }
  const std::vector<FinalTranscript>& finals() const { return finals_; }
  const std::vector<std::string>& errors() const { return errors_; }
  const std::string& state() const { return state_; }
  /// Times at which "hearing" began.
  const std::vector<Time>& heard() const { return heard_; }
  /// The newest answer that belongs to the conversation, nullptr: none. It stays valid until the next take().
  const HeardAnswer* newest() const;
  HeardAnswer* newest();

 private:
  void take_json(const Json& json, Time at);
  HeardAnswer* find(const Json& json);

  std::vector<HeardAnswer> answers_;
  std::vector<FinalTranscript> finals_;
  std::vector<std::string> errors_;
  std::vector<Time> heard_;
  std::string state_;
};

}  // namespace morgan::cli
