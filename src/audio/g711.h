// Telephone audio, a byte a sample at 8 kHz: G.711's mu-law and A-law.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::audio {

enum class G711Law : std::uint8_t { kMu, kA };

inline constexpr int kG711Rate = 8'000;

/// Every byte is a sample, so any bytes decode.
std::vector<float> decode_g711(std::string_view bytes, G711Law law);
std::string encode_g711(std::span<const float> samples, G711Law law);

}  // namespace morgan::audio
