// How long to wait for more before answering: the turn model's probability mapped to a time without a cliff,
// corrected by what the words say and by how this speaker pauses. All waits count from the last voiced sample.
#pragma once

#include "dialogue/live/turn_machine.h"

#include <string_view>

namespace morgan::dialogue::live {

/// What the end of a text says about whether more will follow.
enum class TextEnding : std::uint8_t {
  kUnknown,     ///< nothing is known of the words yet, or they say nothing
  kComplete,    ///< a question, a whole sentence
  kShort,       ///< "yes", "no", "okay": all alike, whatever the model thinks of each
  kOpen,        ///< a comma, "and", "the", "um"
  kDictation,   ///< digits, letters, an address being spelled
};

/// English words; other languages are judged by their punctuation alone.
TextEnding ending_of(std::string_view text);

struct EndpointLimits {
  Ms shortest = 180;  ///< when all agree that it is over
  Ms longest = 1'400;
};

/// Pauses inside this speaker's turns, as far as they were seen. A value, so that it can be stored.
struct SpeakerPauses {
  double mean_ms = 0;  ///< exponential mean of pauses after which the turn went on
  int seen = 0;
  void add(Ms pause);
};

/// @param probability  the turn model's, 0..1; below 0: not known
/// @source probabilities against pauses: measured on recorded speech, docs/latency.md
Ms endpoint_wait(float probability, TextEnding ending, const SpeakerPauses& pauses, const EndpointLimits& limits);

}  // namespace morgan::dialogue::live
