#include "audio/pcm16.h"

#include <algorithm>
#include <cmath>

namespace morgan::audio {

std::int16_t to_pcm16(float sample) {
  const float scaled = std::isfinite(sample) ? std::nearbyint(sample * 32768.0F) : 0.0F;
  return static_cast<std::int16_t>(std::clamp(scaled, -32768.0F, 32767.0F));
}

std::string encode_pcm16(std::span<const float> samples) {
  std::string bytes(samples.size() * 2, '\0');
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto value = static_cast<std::uint16_t>(to_pcm16(samples[i]));
    bytes[2 * i] = static_cast<char>(value & 0xFFU);
    bytes[2 * i + 1] = static_cast<char>(value >> 8U);
  }
  return bytes;
}

PcmBuffer decode_pcm16(std::string_view bytes, int rate_hz) {
  PcmBuffer out{std::vector<float>(bytes.size() / 2), rate_hz};
  for (std::size_t i = 0; i < out.samples.size(); ++i) {
    const auto low = static_cast<unsigned char>(bytes[2 * i]);
    const auto high = static_cast<unsigned char>(bytes[2 * i + 1]);
    out.samples[i] = from_pcm16(static_cast<std::int16_t>(static_cast<std::uint16_t>(low | (high << 8))));
  }
  return out;
}

}  // namespace morgan::audio
