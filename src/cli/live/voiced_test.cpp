#include "cli/live/voiced.h"

#include <gtest/gtest.h>

#include <cmath>

namespace morgan::cli {
namespace {

constexpr int kHz = 16000;

/// `amplitude` of a tone from one time to the other, silence around it.
void add_tone(std::vector<float>& samples, double from, double until, double amplitude) {
  for (auto i = static_cast<std::size_t>(from * kHz); i < static_cast<std::size_t>(until * kHz); ++i)
    samples[i] = static_cast<float>(amplitude * std::sin(0.3 * static_cast<double>(i)));
}

TEST(Voiced, FindsTheFirstAndTheLastVoicedHop) {
  std::vector<float> samples(3 * kHz);
  add_tone(samples, 0.5, 2, 0.3);
  const auto voiced = find_voiced({samples, kHz});
  ASSERT_TRUE(voiced);
  EXPECT_EQ(voiced->first, std::size_t{kHz / 2});
  EXPECT_EQ(voiced->end, std::size_t{2 * kHz});
}

TEST(Voiced, IsRelativeToTheLoudestHop) {
  std::vector<float> samples(3 * kHz);
  add_tone(samples, 0.5, 2, 0.5);
  add_tone(samples, 2, 2.5, 0.5 * std::pow(10, -30.0 / 20));
  EXPECT_EQ(find_voiced({samples, kHz})->end, static_cast<std::size_t>(2.5 * kHz));
  add_tone(samples, 2, 2.5, 0.5 * std::pow(10, -36.0 / 20));
  EXPECT_EQ(find_voiced({samples, kHz})->end, std::size_t{2 * kHz});
}

TEST(Voiced, NothingBelowTheFloorIsVoice) {
  std::vector<float> samples(kHz);
  add_tone(samples, 0.2, 0.8, 0.002);  // -57 dB
  EXPECT_FALSE(find_voiced({samples, kHz}));
  EXPECT_FALSE(find_voiced({std::vector<float>{}, kHz}));
}

TEST(Voiced, IsTheSameAtAnyRate) {
  constexpr int kVoiceRate = 22050;
  std::vector<float> samples(2 * kVoiceRate);
  for (std::size_t i = kVoiceRate; i < samples.size(); ++i)
    samples[i] = static_cast<float>(0.2 * std::sin(0.3 * static_cast<double>(i)));
  const auto voiced = find_voiced({samples, kVoiceRate});
  ASSERT_TRUE(voiced);
  EXPECT_NEAR(static_cast<double>(voiced->first), kVoiceRate, kVoiceRate * kHopMs / 1000.0);
}

TEST(QuietPlaces, LieInTheMiddleOfPausesWithinTheSpeech) {
  std::vector<float> samples(6 * kHz);
  add_tone(samples, 0.5, 2, 0.3);
  add_tone(samples, 2.2, 4, 0.3);
  add_tone(samples, 4.1, 5.5, 0.3);
  const auto places = find_quiet_places({samples, kHz}, 0.8);
  ASSERT_EQ(places.size(), 2U);
  EXPECT_NEAR(static_cast<double>(places[0].middle()) / kHz, 2.1, 0.02);
  EXPECT_NEAR(static_cast<double>(places[1].middle()) / kHz, 4.05, 0.02);
  EXPECT_NEAR(static_cast<double>(places[0].end - places[0].first) / kHz, 0.2, 0.03);
  EXPECT_EQ(find_quiet_places({samples, kHz}, 3).size(), 1U) << "too close to each other";
}

}  // namespace
}  // namespace morgan::cli
