#include "audio/g711.h"

#include <gtest/gtest.h>

#include <cmath>

namespace morgan::audio {
namespace {

std::string all_codes() {
  std::string bytes;
  for (int code = 0; code < 256; ++code)
    bytes.push_back(static_cast<char>(code));
  return bytes;
}

TEST(G711, KnownCodesHaveTheirValues) {
  const auto mu = [](int code) {
    return decode_g711(std::string(1, static_cast<char>(code)), G711Law::kMu)[0] * 32768;
  };
  const auto a = [](int code) { return decode_g711(std::string(1, static_cast<char>(code)), G711Law::kA)[0] * 32768; };
  EXPECT_FLOAT_EQ(mu(0xFF), 0);
  EXPECT_FLOAT_EQ(mu(0x80), 32124);
  EXPECT_FLOAT_EQ(mu(0x00), -32124);
  EXPECT_FLOAT_EQ(a(0xD5), 8);
  EXPECT_FLOAT_EQ(a(0x55), -8);
  EXPECT_FLOAT_EQ(a(0xAA), 32256);
  EXPECT_FLOAT_EQ(a(0x2A), -32256);
}

TEST(G711, EveryCodeComesBack) {
  for (const G711Law law : {G711Law::kMu, G711Law::kA}) {
    const std::string codes = all_codes();
    std::string back = encode_g711(decode_g711(codes, law), law);
    // mu-law has two zeros; both are written as the positive one.
    if (law == G711Law::kMu && back[0x7F] == '\xFF') back[0x7F] = '\x7F';
    EXPECT_EQ(back, codes);
  }
}

TEST(G711, AnErrorIsSmallBesideItsSample) {
  for (const G711Law law : {G711Law::kMu, G711Law::kA}) {
    for (int value = -32000; value <= 32000; value += 37) {
      const float sample = static_cast<float>(value) / 32768;
      const float back = decode_g711(encode_g711(std::span(&sample, 1), law), law)[0];
      EXPECT_LE(std::abs(back - sample), std::abs(sample) / 16 + 0.0006F) << value;
    }
  }
}

TEST(G711, WhatIsTooLoudIsAsLoudAsCanBe) {
  const float loud[] = {2.0F, -2.0F};
  for (const G711Law law : {G711Law::kMu, G711Law::kA}) {
    const auto back = decode_g711(encode_g711(loud, law), law);
    EXPECT_GT(back[0], 0.97F);
    EXPECT_LT(back[1], -0.97F);
  }
}

}  // namespace
}  // namespace morgan::audio
