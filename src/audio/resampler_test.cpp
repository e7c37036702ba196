#include "audio/resampler.h"

#include "audio/audio_test_signals.h"

#include <gtest/gtest.h>

namespace morgan::audio {
namespace {

TEST(Resampler, KeepsToneAndLengthBetweenUsualRates) {
  for (const auto& [from, to] : {std::pair{48000, 16000},
                                 {44100, 16000},
                                 {8000, 16000},
                                 {24000, 48000},
                                 {4000, 16000},
                                 {192000, 16000},
                                 {16000, 16000}}) {
    const auto out = resample(sine(440, 1.0, from), to);
    ASSERT_TRUE(out) << from;
    EXPECT_EQ(out->rate_hz, to);
    EXPECT_NEAR(out->seconds(), 1.0, 0.001) << from << " to " << to;
    EXPECT_NEAR(strength_of(440, *out), 0.5, 0.01) << from << " to " << to;
  }
}

TEST(Resampler, RemovesWhatTheLowerRateCannotHold) {
  const auto out = resample(sine(12000, 1.0, 48000), 16000);
  ASSERT_TRUE(out);
  EXPECT_LT(rms(std::span(out->samples).subspan(1000, 14000)), 0.001);
}

TEST(Resampler, StreamEqualsWholeWhateverTheChunks) {
  const auto source = sine(440, 0.7, 44100);
  const auto whole = resample(source, 16000);
  ASSERT_TRUE(whole);
  auto stream = Resampler::create(44100, 16000);
  ASSERT_TRUE(stream);
  std::vector<float> joined;
  std::span<const float> rest = source.samples;
  for (std::size_t size = 1; !rest.empty(); size = size * 3 % 1009 + 1) {
    const auto part = (*stream)->push(rest.first(std::min(size, rest.size())));
    joined.insert(joined.end(), part.begin(), part.end());
    rest = rest.subspan(std::min(size, rest.size()));
  }
  const auto last = (*stream)->finish();
  joined.insert(joined.end(), last.begin(), last.end());
  ASSERT_EQ(joined.size(), whole->samples.size());
  for (std::size_t i = 0; i < joined.size(); ++i)
    ASSERT_NEAR(joined[i], whole->samples[i], 1e-5) << i;
}

TEST(Resampler, EmptyStaysEmpty) {
  const auto out = resample(PcmBuffer{{}, 8000}, 16000);
  ASSERT_TRUE(out);
  EXPECT_TRUE(out->samples.empty());
}

TEST(Resampler, RefusesRatesOutsideItsRange) {
  for (const int rate : {0, -1, 999, 384001}) {
    const auto made = Resampler::create(rate, 16000);
    ASSERT_FALSE(made) << rate;
    EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument);
    EXPECT_FALSE(Resampler::create(16000, rate)) << rate;
  }
}

}  // namespace
}  // namespace morgan::audio
