#include "services/wyoming/pcm_input.h"

#include <cmath>
#include <numbers>

namespace morgan::services {
namespace {

std::vector<float> tone(int rate_hz, double seconds) {
  std::vector<float> samples(static_cast<std::size_t>(rate_hz * seconds));
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] = 0.5F * static_cast<float>(std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / rate_hz));
  return samples;
}

std::string bytes_of(std::span<const float> samples, const PcmShape& shape) {
  std::string bytes;
  for (const float sample : samples) {
    const auto scaled = static_cast<std::int32_t>(std::llround(static_cast<double>(sample) * 2'147'483'647.0));
    for (int channel = 0; channel < shape.channels; ++channel) {
      if (shape.width == 1) {
        bytes += static_cast<char>((scaled >> 24) + 128);
        continue;
      }
      for (int byte = 4 - shape.width; byte < 4; ++byte)
        bytes += static_cast<char>((static_cast<std::uint32_t>(scaled) >> (8 * byte)) & 0xFFU);
    }
  }
  return bytes;
}

std::vector<float> convert(std::string_view bytes, const PcmShape& shape, std::size_t piece) {
  PcmInput input;
  std::vector<float> all;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const auto samples = input.push(bytes.substr(at, piece), shape);
    EXPECT_TRUE(samples) << samples.error().message;
    all.insert(all.end(), samples->begin(), samples->end());
  }
  const auto rest = input.finish();
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

TEST(PcmInput, EveryShapeBecomesTheSameSound) {
  const auto expected = tone(16'000, 0.3);
  for (const int rate : {4'000, 8'000, 16'000, 22'050, 44'100, 48'000, 96'000}) {
    for (const int width : {1, 2, 3, 4}) {
      for (const int channels : {1, 2, 5}) {
        const PcmShape shape{rate, width, channels};
        const auto heard = convert(bytes_of(tone(rate, 0.3), shape), shape, 997);
        ASSERT_NEAR(static_cast<double>(heard.size()), static_cast<double>(expected.size()), 20) << rate;
        double worst = 0;
        for (std::size_t i = 800; i + 800 < expected.size(); ++i)
          worst = std::max(worst, std::abs(static_cast<double>(heard[i] - expected[i])));
        EXPECT_LT(worst, 0.02) << rate << " Hz, width " << width << ", channels " << channels;
      }
    }
  }
}

TEST(PcmInput, AShapeThatChangesMidwayLosesNothing) {
  PcmInput input;
  const PcmShape first{48'000, 2, 2};
  const PcmShape second{16'000, 2, 1};
  auto heard = *input.push(bytes_of(tone(48'000, 0.5), first), first);
  const auto more = *input.push(bytes_of(tone(16'000, 0.5), second), second);
  heard.insert(heard.end(), more.begin(), more.end());
  EXPECT_NEAR(static_cast<double>(heard.size()), 16'000, 20);
}

TEST(PcmInput, RefusesShapesThatCannotBe) {
  for (const char* data :
       {R"({"rate":0})", R"({"rate":-16000})", R"({"width":0})", R"({"width":5})", R"({"channels":0})",
        R"({"channels":1000})", R"({"rate":"16000"})", R"({"rate":true})", R"({"width":1.5})", R"({"rate":1e300})"}) {
    const auto shape = read_shape(Json::parse(data), {});
    ASSERT_FALSE(shape) << data;
    EXPECT_EQ(shape.error().code, ErrorCode::kInvalidArgument);
    EXPECT_FALSE(shape.error().param.empty());
  }
  EXPECT_EQ(*read_shape(Json::parse(R"({"rate":8000})"), {44'100, 4, 2}), (PcmShape{8'000, 4, 2}));
}

}  // namespace
}  // namespace morgan::services
