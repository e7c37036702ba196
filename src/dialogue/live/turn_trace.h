// Where the time of one turn went, from the end of speech to the first voiced sample at the client, in stages that
// add up to the whole. A stage that was finished before the one in front of it ended, for it was begun on
// speculation, takes no time.
#pragma once

#include "base/json_util.h"
#include "runtime/strand.h"

#include <array>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace morgan::dialogue::live {

/// In the order in which they end.
enum class TurnStage : std::uint8_t {
  kPauseSeen,    ///< the pause was noticed
  kTranscript,   ///< its words are known
  kFirstToken,   ///< the language model has begun to write
  kFirstClause,  ///< what is spoken first has been written
  kFirstAudio,   ///< ... and synthesized
  kDecision,     ///< the turn was taken as over
  kSent,         ///< the first voiced sample was given to the socket
  kPlayed,       ///< the client says that it plays
};
inline constexpr std::size_t kTurnStages = 8;
std::string_view to_string(TurnStage stage);

struct TurnTrace {
  std::int64_t turn = 0;
  std::int64_t response = 0;
  std::string session_id;
  std::string user_id;
  std::string at;  ///< ISO 8601, of the decision
  runtime::TimePoint speech_end{};
  std::array<std::optional<runtime::TimePoint>, kTurnStages> reached;
  double speech_seconds = 0;
  std::string text;
  std::string answer;
  std::string outcome;
  float turn_probability = -1;
  std::int64_t wait_ms = 0;
  int drafts = 0;  ///< speculations until this one held
  int prompt_tokens = 0;
  int cached_tokens = 0;
  int completion_tokens = 0;
  std::string recording;  ///< file of the user's audio, when turns are recorded

  /// Marks the first time only.
  void mark(TurnStage stage, runtime::TimePoint when);
  /// Milliseconds from the end of speech; negative when the stage was not reached.
  double ms(TurnStage stage) const;
  /// @return {turn, ..., total_ms, stages: [{name, at_ms, ms}]}; the `ms` of the stages add up to total_ms
  OrderedJson to_json() const;
};

/// The last turns of the process. @thread any
class TurnLog {
 public:
  static constexpr std::size_t kKept = 256;
  void add(OrderedJson turn);
  /// Newest first.
  std::vector<OrderedJson> recent(std::size_t limit, const std::string& user_id) const;
  /// @return how many turns of this user were there
  long long erase(const std::string& user_id);

 private:
  mutable std::mutex mutex_;
  std::deque<OrderedJson> turns_;  // guarded by mutex_
};

}  // namespace morgan::dialogue::live
