// How loud the moments of an utterance are: where to cut it so that no word is cut, and whether its end says anything.
#pragma once

#include <cstddef>
#include <span>

namespace morgan::engines {

/// Quiet and loud moments of an utterance as root mean square of 10 ms; a tenth of them is below `quiet`, a tenth above
/// `loud`.
struct LoudnessRange {
  float quiet = 0;
  float loud = 0;
};

LoudnessRange loudness_range(std::span<const float> samples);

struct QuietPlace {
  std::size_t at = 0;  ///< in samples; the middle of the quietest 30 ms, or the end of a longer pause
  float loudness = 1;  ///< of these 30 ms, relative to the range's loud
};

/// The quietest place in [begin, end) of `samples`. @param range of the whole utterance
QuietPlace quietest_place(std::span<const float> samples, std::size_t begin, std::size_t end, LoudnessRange range);

/// Whether nothing but the background is heard in `samples`. @param range of the whole utterance
bool is_quiet(std::span<const float> samples, LoudnessRange range);

}  // namespace morgan::engines
