// Where sound begins and ends. One definition for what is played to Morgan and for what comes back, so that a
// latency lies between like things. Pure functions. @thread any
#pragma once

#include "audio/pcm.h"

#include <cstddef>
#include <optional>
#include <vector>

namespace morgan::cli {

/// Levels are taken of hops this long.
inline constexpr int kHopMs = 10;
/// A hop is voiced when its RMS is at most this far below the loudest hop of the same recording ...
inline constexpr double kBelowPeakDb = 32;
/// ... and not below this floor, in dB of full scale: a recording of nothing has no voice.
inline constexpr double kVoicedFloorDb = -50;

struct VoicedSpan {
  std::size_t first = 0;  ///< first sample of the first voiced hop
  std::size_t end = 0;    ///< behind the last sample of the last voiced hop
};

/// RMS of each hop in dB of full scale, -120 at least; the last hop may be shorter.
std::vector<double> hop_levels_db(audio::PcmView pcm);
/// nullopt when nothing is voiced.
std::optional<VoicedSpan> find_voiced(audio::PcmView pcm);

/// A place inside speech that is quiet: between words, or a pause.
struct QuietPlace {
  std::size_t first = 0;  ///< its first sample
  std::size_t end = 0;    ///< behind its last
  double level_db = 0;
  std::size_t middle() const { return first + (end - first) / 2; }
};

/// Places at which a speaker might have paused, in order of time: at least 40 ms that lie 18 dB below the loudest
/// hop, the quietest first when two are closer than `apart_seconds`; none within 0.6 s of either end of the speech.
std::vector<QuietPlace> find_quiet_places(audio::PcmView pcm, double apart_seconds);

}  // namespace morgan::cli
