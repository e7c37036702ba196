#include "audio/g711.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace morgan::audio {

namespace {

/// Both laws are told here in steps of 16 bit PCM, of which mu-law has the upper 14 bits and A-law the upper 13.
constexpr int kMuBias = 132;
constexpr int kMuClip = 32'635;
constexpr int kAClip = 32'767;
constexpr unsigned kAFlip = 0x55;
constexpr float kFullScale = 32'768.0F;

// @source ITU-T G.711 (11/88), tables 2a and 2b: sign, segment of three bits, four bits within it, all inverted
int mu_value(unsigned code) {
  code = ~code & 0xFFU;
  const int segment = static_cast<int>((code >> 4U) & 7U);
  const int step = static_cast<int>(code & 15U);
  const int magnitude = (((step << 3) + kMuBias) << segment) - kMuBias;
  return (code & 0x80U) != 0 ? -magnitude : magnitude;
}

unsigned mu_code(int value) {
  const unsigned sign = value < 0 ? 0x80U : 0U;
  const int magnitude = std::min(std::abs(value), kMuClip) + kMuBias;
  const int segment = std::max(0, static_cast<int>(std::bit_width(static_cast<unsigned>(magnitude))) - 8);
  const auto step = static_cast<unsigned>(magnitude >> (segment + 3)) & 15U;
  return ~(sign | (static_cast<unsigned>(segment) << 4U) | step) & 0xFFU;
}

// @source ITU-T G.711 (11/88), tables 1a and 1b: as above, with every other bit inverted and the sign the other way
int a_value(unsigned code) {
  code ^= kAFlip;
  const int segment = static_cast<int>((code >> 4U) & 7U);
  const int step = static_cast<int>(code & 15U);
  const int magnitude = segment == 0 ? (step << 4) + 8 : ((step << 4) + 264) << (segment - 1);
  return (code & 0x80U) != 0 ? magnitude : -magnitude;
}

unsigned a_code(int value) {
  const unsigned sign = value >= 0 ? 0x80U : 0U;
  const int magnitude = std::min(value >= 0 ? value : -value - 1, kAClip);
  const int segment = std::max(0, static_cast<int>(std::bit_width(static_cast<unsigned>(magnitude))) - 8);
  const auto step = static_cast<unsigned>(magnitude >> (segment == 0 ? 4 : segment + 3)) & 15U;
  return (sign | (static_cast<unsigned>(segment) << 4U) | step) ^ kAFlip;
}

template <typename Value>
std::array<float, 256> table_of(Value value) {
  std::array<float, 256> table{};
  for (unsigned code = 0; code < table.size(); ++code)
    table[code] = static_cast<float>(value(code)) / kFullScale;
  return table;
}

}  // namespace

std::vector<float> decode_g711(std::string_view bytes, G711Law law) {
  static const auto kMuTable = table_of(mu_value);
  static const auto kATable = table_of(a_value);
  const auto& table = law == G711Law::kMu ? kMuTable : kATable;
  std::vector<float> samples;
  samples.reserve(bytes.size());
  for (const char byte : bytes)
    samples.push_back(table[static_cast<unsigned char>(byte)]);
  return samples;
}

std::string encode_g711(std::span<const float> samples, G711Law law) {
  std::string bytes;
  bytes.reserve(samples.size());
  for (const float sample : samples) {
    const auto value = static_cast<int>(std::lround(std::clamp(sample, -1.0F, 1.0F) * 32'767));
    bytes.push_back(static_cast<char>(law == G711Law::kMu ? mu_code(value) : a_code(value)));
  }
  return bytes;
}

}  // namespace morgan::audio
