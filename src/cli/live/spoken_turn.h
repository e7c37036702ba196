// One recording played into a live conversation, and what became of it. Used by the benchmark and by replay.
#pragma once

#include "base/result.h"
#include "cli/live/clips.h"
#include "cli/live/live_call.h"
#include "cli/live/live_log.h"
#include "text/word_errors.h"

#include <optional>
#include <string>
#include <vector>

namespace morgan::cli {

struct StageTime {
  std::string name;
  double ms = 0;  ///< what it added
};

/// Milliseconds count from the last voiced sample of the recording.
struct SpokenTurn {
  std::string recording;
  double speech_seconds = 0;
  std::optional<double> first_voiced_ms;  ///< the answer's first voiced sample was at the socket
  std::optional<double> audible_ms;       ///< ... and heard by who plays at once
  std::optional<double> final_ms;         ///< the final transcript was there
  std::vector<StageTime> stages;          ///< up to `sent`, as the server tells
  std::optional<double> sent_ms;          ///< their end: the server's view of first_voiced_ms
  bool stages_add_up = true;              ///< the server's stages, to the total that it names, within 5 ms
  int cut_offs = 0;                       ///< turns committed before the last voiced sample
  int taken_back = 0;                     ///< of these: before any of the answer was to be heard
  int interruptions = 0;                  ///< answers that ended as interrupted, though nobody spoke any more
  bool answered = false;
  std::string transcript;  ///< all final ones of it
  std::string answer;
  std::optional<text::WordErrors> word_errors;
  Json turn;  ///< the server's message
  FrameCounts frames;
  std::vector<std::string> errors;
  std::string status;  ///< of the answer's end

  bool measured() const { return answered && cut_offs == 0 && first_voiced_ms.has_value(); }
  /// What the server's stages do not explain: the way to the client, and where each side saw the end of speech.
  std::optional<double> outside_ms() const;
};

struct SpokenTurnOptions {
  double listen_seconds = 3;  ///< of the answer; then it is cancelled. 0: all of it
  double patience_seconds = 30;
};

/// @error kUnavailable  the conversation has ended
Result<SpokenTurn> speak_turn(LiveCall& call, const Clip& clip, const SpokenTurnOptions& options);

/// Goes on in the quiet for so long. @error as LiveCall::next
Result<void> stay_quiet(LiveCall& call, double seconds);

}  // namespace morgan::cli
