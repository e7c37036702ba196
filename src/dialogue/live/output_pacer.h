// One answer's voice on its way out: queued as it is synthesized, sent a little ahead of the moment at which it is
// heard, so that it can be made quiet or stopped at once; and which of its words were heard at any time.
#pragma once

#include "dialogue/live/turn_machine.h"
#include "engines/tts/tts_engine.h"
#include "runtime/strand.h"

#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace morgan::dialogue::live {

struct PacerOptions {
  std::chrono::milliseconds lead{120};   ///< sent so far ahead; more survives a worse network, and stops later
  std::chrono::milliseconds chunk{20};   ///< length of what is sent at once
  float duck_gain = 0.2F;
};

/// A word with its place in the whole answer.
struct HeardWord {
  std::string text;
  std::size_t piece = 0;     ///< number of the text piece it belongs to
  std::size_t text_end = 0;  ///< byte behind it, in that piece
  std::size_t begin_sample = 0;
  std::size_t end_sample = 0;
};

struct OutputChunk {
  std::vector<float> samples;    ///< gain applied
  std::size_t first_sample = 0;  ///< of the answer
  std::vector<HeardWord> words;  ///< those that begin in it
};

/// @thread one caller at a time
class OutputPacer {
 public:
  explicit OutputPacer(PacerOptions options) : options_(options) {}

  /// A new answer; forgets the one before.
  void begin(int rate_hz);
  /// Text of the next piece, before its samples.
  void add_piece(std::string text);
  void add_audio(std::span<const float> samples, std::vector<engines::SpokenWord> words);
  /// Nothing will be added.
  void finish() { finished_ = true; }

  /// What is to be sent now, in chunks. Starts the clock of the playback with the first.
  std::vector<OutputChunk> due(runtime::TimePoint now);
  /// When due() has something again; nullopt while nothing is queued, or while it is held.
  std::optional<runtime::TimePoint> next_due() const;

  void duck() { target_gain_ = options_.duck_gain; }
  void unduck() { target_gain_ = 1; }
  void hold(runtime::TimePoint now);
  /// Goes on at full loudness, from the sample where it was held.
  void resume(runtime::TimePoint now);

  /// The client has told what it played.
  void report_played(std::size_t samples, runtime::TimePoint now);
  /// Samples heard, as reported or else by the clock.
  std::size_t played(runtime::TimePoint now) const;
  /// All was added, sent and heard.
  bool done(runtime::TimePoint now) const;
  /// When done() can be true at the earliest; nullopt: not before more happens.
  std::optional<runtime::TimePoint> done_at() const;

  std::size_t sent() const { return sent_; }
  std::size_t queued() const { return queue_.size(); }
  int rate_hz() const { return rate_hz_; }
  bool started() const { return clock_start_.has_value(); }

  /// The answer's text up to the last word of which at least half was heard.
  std::string heard_text(std::size_t played_samples) const;
  /// Words of the last `span` that were heard, joined: for the echo's judge.
  std::string recent_text(std::size_t played_samples, std::chrono::milliseconds span) const;

 private:
  std::size_t samples_of(std::chrono::nanoseconds span) const;
  std::chrono::nanoseconds duration_of(std::size_t samples) const;

  PacerOptions options_;
  int rate_hz_ = 0;
  std::deque<float> queue_;
  std::vector<std::string> pieces_;
  std::vector<HeardWord> words_;
  std::size_t next_word_ = 0;  // of words_: the first that was not sent
  std::size_t added_ = 0;
  std::size_t sent_ = 0;
  bool finished_ = false;

  float gain_ = 1;
  float target_gain_ = 1;

  std::optional<runtime::TimePoint> clock_start_;  // when sample 0 would have been heard, holds taken out
  std::optional<runtime::TimePoint> held_since_;
  std::size_t reported_ = 0;
};

}  // namespace morgan::dialogue::live
