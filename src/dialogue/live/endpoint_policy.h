// How long to wait for more before answering: the turn model's probability mapped to a time without a cliff,
// corrected by what the words say and by how this speaker pauses. All waits count from the last voiced sample.
#pragma once

#include "dialogue/live/turn_machine.h"

#include <string_view>

namespace morgan::dialogue::live {

/// What the end of a text says about whether more will follow.
enum class TextEnding : std::uint8_t {
  kUnknown,    ///< nothing is known of the words yet, or they have no mark at their end
  kOpen,       ///< a comma, "and", "the", "um": more must follow
  kDangling,   ///< a mark, but behind "of" or "for": a whole question, or Whisper's guess
  kFragment,   ///< "Unless it rains." "And so my friends.": a full stop behind what is no sentence yet
  kComplete,   ///< a sentence with its full stop
  kQuestion,   ///< ... with its question mark
  kShort,      ///< "yes", "no", "okay": all alike, whatever the model thinks of each
  kDictation,  ///< digits, letters, an address being spelled
};

std::string_view to_string(TextEnding ending);

/// English words; other languages are judged by their punctuation alone.
TextEnding ending_of(std::string_view text);

struct EndpointLimits {
  Ms shortest = 180;   ///< when all agree that it is over
  Ms longest = 1'400;  ///< when nothing does
};

/// Pauses inside this speaker's turns, as far as they were seen. A value, so that it can be stored.
struct SpeakerPauses {
  double mean_ms = 0;  ///< exponential mean of pauses after which the turn went on
  int seen = 0;
  void add(Ms pause);
};

/// Falls with the probability, continuously. Sound and words are two witnesses: only when both say that it is over
/// is the wait the shortest.
/// @param probability  the turn model's, 0..1; below 0: not known
/// @source the table in endpoint_policy.cpp: pauses inside and behind recorded sentences, docs/latency.md
Ms endpoint_wait(float probability, TextEnding ending, const SpeakerPauses& pauses, const EndpointLimits& limits);

}  // namespace morgan::dialogue::live
