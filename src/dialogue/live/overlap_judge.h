// Somebody's voice was heard while Morgan spoke: is it an interruption, an "mhm", a cough, or Morgan itself?
#pragma once

#include "dialogue/live/turn_machine.h"

#include <string>
#include <string_view>
#include <vector>

namespace morgan::dialogue::live {

struct OverlapEvidence {
  std::string_view text;  ///< transcript of the overlap; "" when there was nothing
  float confidence = 0;   ///< of the transcript
  Ms voiced = 0;          ///< from its first to its last voiced sample
  bool still_speaking = false;
  std::string_view spoken;  ///< what Morgan has said in the last seconds
};

/// English words; in other languages anything that is not short and unsure is an interruption.
Overlap judge_overlap(const OverlapEvidence& evidence);

}  // namespace morgan::dialogue::live
