#include "models/import/tensor_data.h"

#include "models/import/mel_filters.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace morgan::models {
namespace {

TEST(HalfFloat, EveryHalfSurvivesTheRoundTrip) {
  for (std::uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = half_to_float(half);
    if (std::isnan(value)) continue;
    ASSERT_EQ(float_to_half(value), half) << bits;
  }
}

TEST(HalfFloat, RoundsToTheNearestEven) {
  EXPECT_EQ(float_to_half(1.0F), 0x3C00);
  EXPECT_EQ(float_to_half(-2.0F), 0xC000);
  EXPECT_EQ(float_to_half(1.0F + 1.0F / 2048), 0x3C00);  // half way: down to even
  EXPECT_EQ(float_to_half(1.0F + 3.0F / 2048), 0x3C02);  // half way: up to even
  EXPECT_EQ(float_to_half(65519.0F), 0x7BFF);
  EXPECT_EQ(float_to_half(65520.0F), 0x7C00);               // infinity
  EXPECT_EQ(float_to_half(std::ldexp(1.0F, -25)), 0x0000);  // half of the smallest: down to even
  EXPECT_EQ(float_to_half(std::ldexp(3.0F, -25)), 0x0002);
  EXPECT_TRUE(std::isnan(half_to_float(float_to_half(std::nanf("")))));
}

TEST(QuantizeQ8, WritesScaleAndLevels) {
  std::vector<float> values(kQ8Block, 0.0F);
  values[0] = 1.0F;
  values[1] = -0.5F;
  values[2] = 0.25F;
  std::string block;
  quantize_q8_0(values, block);
  ASSERT_EQ(block.size(), 34U);
  std::uint16_t scale = 0;
  std::memcpy(&scale, block.data(), sizeof scale);
  EXPECT_EQ(scale, float_to_half(1.0F / 127));
  EXPECT_EQ(static_cast<std::int8_t>(block[2]), 127);
  EXPECT_EQ(static_cast<std::int8_t>(block[3]), -64);  // -63.5 rounds away from zero
  EXPECT_EQ(static_cast<std::int8_t>(block[4]), 32);   // 31.75
  EXPECT_EQ(static_cast<std::int8_t>(block[5]), 0);
}

TEST(QuantizeQ8, SurvivesZerosAndNonsense) {
  std::vector<float> values(2 * kQ8Block, 0.0F);
  values[kQ8Block] = std::numeric_limits<float>::quiet_NaN();
  values[kQ8Block + 1] = std::numeric_limits<float>::infinity();
  std::string blocks;
  quantize_q8_0(values, blocks);
  ASSERT_EQ(blocks.size(), 68U);
  EXPECT_EQ(blocks.substr(0, 34), std::string(34, '\0'));
}

TEST(MelFilters, AreTrianglesOfAreaOne) {
  for (const int bands : {80, 128}) {
    const std::vector<float> filters = whisper_mel_filters(bands);
    ASSERT_EQ(filters.size(), static_cast<std::size_t>(bands) * kWhisperSpectrumBins);
    const std::span<const float> last = std::span(filters).last(kWhisperSpectrumBins);
    double area = 0;
    for (const float height : last)
      area += static_cast<double>(height) * 40.0;  // 40 Hz per bin
    EXPECT_NEAR(area, 1.0, 0.02) << bands;
    EXPECT_EQ(filters[0], 0.0F);
  }
  // Whisper's own table, first filter, second bin.
  EXPECT_FLOAT_EQ(whisper_mel_filters(80)[1], 0.024862594F);
}

}  // namespace
}  // namespace morgan::models
