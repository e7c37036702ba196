// Signals and wav files for the tests of audio/.
#pragma once

#include "audio/pcm.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <numbers>
#include <span>
#include <string>

namespace morgan::audio {

inline PcmBuffer sine(double hertz, double seconds, int rate_hz, float level = 0.5F) {
  PcmBuffer out{std::vector<float>(static_cast<std::size_t>(seconds * rate_hz)), rate_hz};
  for (std::size_t i = 0; i < out.samples.size(); ++i) {
    const double phase = 2 * std::numbers::pi * hertz * static_cast<double>(i) / rate_hz;
    out.samples[i] = level * static_cast<float>(std::sin(phase));
  }
  return out;
}

inline double rms(std::span<const float> samples) {
  double sum = 0;
  for (const float sample : samples)
    sum += static_cast<double>(sample) * sample;
  return samples.empty() ? 0 : std::sqrt(sum / static_cast<double>(samples.size()));
}

/// Strength of one frequency, 1.0 for a full-scale sine (one bin of a Fourier transform).
inline double strength_of(double hertz, PcmView pcm) {
  double re = 0;
  double im = 0;
  for (std::size_t i = 0; i < pcm.samples.size(); ++i) {
    const double phase = 2 * std::numbers::pi * hertz * static_cast<double>(i) / pcm.rate_hz;
    re += pcm.samples[i] * std::cos(phase);
    im += pcm.samples[i] * std::sin(phase);
  }
  return 2 * std::sqrt(re * re + im * im) / static_cast<double>(pcm.samples.size());
}

template <typename T>
void append_value(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

struct WavShape {
  int rate_hz = 16000;
  int channels = 1;
  int bits = 16;
  bool is_float = false;
  /// What the header claims; negative: the truth.
  std::int64_t claimed_bytes = -1;
};

/// A wav file whose data chunk is `data`.
inline std::string wav_file(const WavShape& shape, const std::string& data) {
  const auto claimed = static_cast<std::uint32_t>(shape.claimed_bytes >= 0 ? shape.claimed_bytes
                                                                           : static_cast<std::int64_t>(data.size()));
  const int block = shape.channels * shape.bits / 8;
  std::string out = "RIFF";
  append_value(out, claimed + 36);
  out += "WAVEfmt ";
  append_value(out, std::uint32_t{16});
  append_value(out, static_cast<std::uint16_t>(shape.is_float ? 3 : 1));
  append_value(out, static_cast<std::uint16_t>(shape.channels));
  append_value(out, static_cast<std::uint32_t>(shape.rate_hz));
  append_value(out, static_cast<std::uint32_t>(shape.rate_hz * block));
  append_value(out, static_cast<std::uint16_t>(block));
  append_value(out, static_cast<std::uint16_t>(shape.bits));
  out += "data";
  append_value(out, claimed);
  return out + data;
}

/// `pcm` in every channel, as wav data of the shape.
inline std::string wav_data(const WavShape& shape, const PcmBuffer& pcm) {
  std::string out;
  for (const float sample : pcm.samples) {
    for (int channel = 0; channel < shape.channels; ++channel) {
      if (shape.is_float && shape.bits == 32) {
        append_value(out, sample);
      } else if (shape.is_float) {
        append_value(out, static_cast<double>(sample));
      } else if (shape.bits == 8) {
        append_value(out, static_cast<std::uint8_t>(std::lround(sample * 127.0F) + 128));
      } else if (shape.bits == 16) {
        append_value(out, static_cast<std::int16_t>(std::lround(sample * 32767.0F)));
      } else {
        const auto wide = static_cast<std::int32_t>(std::llround(static_cast<double>(sample) * 2147483647.0));
        char bytes[4];
        std::memcpy(bytes, &wide, 4);
        out.append(bytes + (4 - shape.bits / 8), static_cast<std::size_t>(shape.bits / 8));
      }
    }
  }
  return out;
}

}  // namespace morgan::audio
