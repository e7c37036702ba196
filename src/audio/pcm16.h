// Samples as PCM16, 16 bits little-endian, and back: full scale is 32768 both ways, so what was PCM16 stays what it
// was.
#pragma once

#include "audio/pcm.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace morgan::audio {

/// Saturating; NaN and infinities are 0.
std::int16_t to_pcm16(float sample);

constexpr float from_pcm16(std::int16_t value) {
  return static_cast<float>(value) / 32768.0F;
}

std::string encode_pcm16(std::span<const float> samples);

/// Mono. An odd last byte is dropped.
PcmBuffer decode_pcm16(std::string_view bytes, int rate_hz);

}  // namespace morgan::audio
