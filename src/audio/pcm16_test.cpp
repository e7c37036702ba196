#include "audio/pcm16.h"

#include <gtest/gtest.h>

#include <limits>

namespace morgan::audio {
namespace {

TEST(Pcm16, ReadsLittleEndianAndDropsAnOddByte) {
  const auto pcm = decode_pcm16(std::string_view("\x00\x40\x00\x80\x7f", 5), 24000);
  ASSERT_EQ(pcm.samples.size(), 2U);
  EXPECT_EQ(pcm.rate_hz, 24000);
  EXPECT_FLOAT_EQ(pcm.samples[0], 0.5F);
  EXPECT_FLOAT_EQ(pcm.samples[1], -1.0F);
  EXPECT_TRUE(decode_pcm16("", 16000).samples.empty());
}

TEST(Pcm16, WritesFullScaleWithoutWrappingAround) {
  const std::vector<float> samples{1.5F, 1.0F, -1.5F, 0.0F};
  EXPECT_EQ(encode_pcm16(samples), std::string("\xff\x7f\xff\x7f\x00\x80\x00\x00", 8));
}

TEST(Pcm16, WritesWhatIsNoNumberAsSilence) {
  EXPECT_EQ(to_pcm16(std::numeric_limits<float>::quiet_NaN()), 0);
  EXPECT_EQ(to_pcm16(std::numeric_limits<float>::infinity()), 0);
}

TEST(Pcm16, KeepsEveryValueOnTheWayThereAndBack) {
  for (int value = -32768; value <= 32767; ++value) {
    ASSERT_EQ(to_pcm16(from_pcm16(static_cast<std::int16_t>(value))), value);
  }
}

}  // namespace
}  // namespace morgan::audio
