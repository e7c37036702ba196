#include "engines/stt/loudness.h"

#include "audio/pcm.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace morgan::engines {

namespace {

constexpr std::size_t kFrame = audio::kSpeechRate / 100;
/// Frames that a dip is averaged over: one alone may fall between two periods of a deep voice.
constexpr std::size_t kDipFrames = 3;
/// In a pause the cut is so long before the next word: Whisper wants to hear the beginning of it.
constexpr std::size_t kLeadFrames = 10;
/// 34 dB below the loud moments only background is left; a closing "s" or "t" is 20 to 30 dB below.
constexpr float kBackground = 0.02F;
constexpr float kAboveQuiet = 1.6F;

float loudness_of(std::span<const float> samples) {
  double energy = 0;
  for (const float sample : samples)
    energy += static_cast<double>(sample) * static_cast<double>(sample);
  return samples.empty() ? 0.0F : static_cast<float>(std::sqrt(energy / static_cast<double>(samples.size())));
}

float background(LoudnessRange range) {
  return std::max(kBackground * range.loud, std::min(kAboveQuiet * range.quiet, 0.1F * range.loud));
}

}  // namespace

LoudnessRange loudness_range(std::span<const float> samples) {
  std::vector<float> frames;
  for (std::size_t at = 0; at + kFrame <= samples.size(); at += kFrame)
    frames.push_back(loudness_of(samples.subspan(at, kFrame)));
  if (frames.empty()) return {};
  const auto rank = [&frames](std::size_t tenth) {
    const auto nth = frames.begin() + static_cast<std::ptrdiff_t>((frames.size() - 1) * tenth / 10);
    std::nth_element(frames.begin(), nth, frames.end());
    return *nth;
  };
  return {rank(1), rank(9)};
}

QuietPlace quietest_place(std::span<const float> samples, std::size_t begin, std::size_t end, LoudnessRange range) {
  QuietPlace best;
  end = std::min(end, samples.size());
  best.at = std::min(begin, end);
  const float loud = std::max(range.loud, 1e-6F);
  std::size_t quiet_frames = 0;
  std::size_t pause_end = 0;
  std::size_t longest = 0;
  for (std::size_t at = begin; at + kFrame * kDipFrames <= end; at += kFrame) {
    const float loudness = loudness_of(samples.subspan(at, kFrame * kDipFrames)) / loud;
    if (loudness < best.loudness) best = {at + kFrame * kDipFrames / 2, loudness};
    quiet_frames = loudness * loud <= background(range) ? quiet_frames + 1 : 0;
    if (quiet_frames <= longest) continue;
    longest = quiet_frames;
    pause_end = at + kFrame * kDipFrames / 2;
  }
  if (longest > kLeadFrames) best.at = pause_end - kLeadFrames * kFrame;
  return best;
}

bool is_quiet(std::span<const float> samples, LoudnessRange range) {
  const float limit = background(range);
  for (std::size_t at = 0; at < samples.size(); at += kFrame) {
    if (loudness_of(samples.subspan(at, std::min(kFrame, samples.size() - at))) > limit) return false;
  }
  return true;
}

}  // namespace morgan::engines
