// What must not be heard where two pieces of speech meet: for the tests, and for bench/speech_bench.cpp, which checks
// more seams than a test has time for.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>

namespace morgan::engines {

/// The first sample from `begin` to `end` where the curve breaks: its second difference stands out both against a
/// level that can be heard and against what is around it within 8 ms (1 ms left out), as no voice does.
inline std::optional<std::size_t> find_click(std::span<const float> samples, std::size_t begin, std::size_t end,
                                             int rate_hz) {
  constexpr float kAudible = 0.004F;
  constexpr float kAbove = 8;
  const auto around = static_cast<std::size_t>(rate_hz) * 8 / 1000;
  const auto near = static_cast<std::size_t>(rate_hz) / 1000;
  const auto bend = [&](std::size_t i) { return std::abs(samples[i] - 2 * samples[i - 1] + samples[i - 2]); };
  end = std::min(end, samples.size());
  for (std::size_t at = std::max<std::size_t>(begin, 2); at < end; ++at) {
    if (bend(at) < kAudible) continue;
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t i = std::max<std::size_t>(at > around ? at - around : 0, 2);
         i < std::min(at + around, samples.size()); ++i) {
      if (i + near > at && i < at + near) continue;
      sum += static_cast<double>(bend(i)) * bend(i);
      ++count;
    }
    const double usual = count > 0 ? std::sqrt(sum / static_cast<double>(count)) : 0;
    if (bend(at) > kAbove * usual) return at;
  }
  return std::nullopt;
}

/// Looks where a seam was made: around the end of the fade after the piece before (its last sample that is not
/// nothing) and around the beginning of the piece at `seam`. What a voice does elsewhere, a "t" say, is its own.
inline std::optional<std::size_t> click_at_seam(std::span<const float> samples, std::size_t seam, int rate_hz) {
  const auto ms = static_cast<std::size_t>(rate_hz) / 1000;
  std::size_t last = seam;
  while (last > 0 && samples[last - 1] == 0.0F)
    --last;
  if (const auto click = find_click(samples, last > 10 * ms ? last - 10 * ms : 0, last + 2 * ms, rate_hz)) return click;
  return find_click(samples, seam > 2 * ms ? seam - 2 * ms : 0, seam + 4 * ms, rate_hz);
}

/// Mean of all samples: a shift that a loudspeaker would have to hold.
inline double dc_of(std::span<const float> samples) {
  double sum = 0;
  for (const float sample : samples)
    sum += sample;
  return samples.empty() ? 0 : sum / static_cast<double>(samples.size());
}

}  // namespace morgan::engines
