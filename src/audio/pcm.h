// Mono float samples with their rate. Everything inside Morgan is mono float32 in [-1, 1].
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

namespace morgan::audio {

/// The rate of every recogniser in Morgan, Hz.
inline constexpr int kSpeechRate = 16000;

/// Owned audio. @invariant rate_hz > 0
struct PcmBuffer {
  std::vector<float> samples;
  int rate_hz = kSpeechRate;

  std::chrono::microseconds duration() const {
    return std::chrono::microseconds(static_cast<long long>(samples.size()) * 1'000'000 / rate_hz);
  }
  double seconds() const { return static_cast<double>(samples.size()) / rate_hz; }
};

/// Borrowed audio. Converts from PcmBuffer.
struct PcmView {
  std::span<const float> samples;
  int rate_hz = kSpeechRate;

  PcmView(std::span<const float> samples_in, int rate) : samples(samples_in), rate_hz(rate) {}
  PcmView(const PcmBuffer& buffer) : samples(buffer.samples), rate_hz(buffer.rate_hz) {}  // NOLINT: as span

  double seconds() const { return static_cast<double>(samples.size()) / rate_hz; }
};

}  // namespace morgan::audio
