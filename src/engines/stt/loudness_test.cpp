#include "engines/stt/loudness.h"

#include "audio/pcm.h"

#include <cmath>

namespace morgan::engines {
namespace {

constexpr std::size_t kSecond = audio::kSpeechRate;

void add_tone(std::vector<float>& samples, double seconds, float level) {
  const auto count = static_cast<std::size_t>(seconds * kSecond);
  for (std::size_t i = 0; i < count; ++i)
    samples.push_back(level * std::sin(static_cast<float>(i) * 0.1F));
}

TEST(Loudness, TheRangeHoldsBackgroundAndSpeech) {
  std::vector<float> samples;
  add_tone(samples, 1, 0.5F);
  add_tone(samples, 1, 0.001F);
  const LoudnessRange range = loudness_range(samples);
  EXPECT_NEAR(range.loud, 0.35F, 0.03F);
  EXPECT_NEAR(range.quiet, 0.0007F, 0.0002F);
  EXPECT_EQ(loudness_range({}).loud, 0.0F);
}

TEST(Loudness, ADipBetweenTwoWordsIsFound) {
  std::vector<float> samples;
  add_tone(samples, 0.5, 0.5F);
  add_tone(samples, 0.05, 0.01F);
  add_tone(samples, 0.5, 0.5F);
  const QuietPlace place = quietest_place(samples, 4000, 12000, loudness_range(samples));
  EXPECT_NEAR(static_cast<double>(place.at), 0.525 * kSecond, 0.02 * kSecond);
  EXPECT_LT(place.loudness, 0.1F);
}

TEST(Loudness, ALongPauseIsCutJustBeforeTheNextWord) {
  std::vector<float> samples;
  add_tone(samples, 0.5, 0.5F);
  add_tone(samples, 1.0, 0.001F);
  add_tone(samples, 0.5, 0.5F);
  const QuietPlace place = quietest_place(samples, 0, samples.size(), loudness_range(samples));
  EXPECT_GT(place.at, static_cast<std::size_t>(1.35 * kSecond));
  EXPECT_LT(place.at, static_cast<std::size_t>(1.48 * kSecond));
}

TEST(Loudness, BackgroundIsQuietAndAFaintEndingIsNot) {
  std::vector<float> samples;
  add_tone(samples, 1, 0.5F);
  add_tone(samples, 1, 0.001F);
  const LoudnessRange range = loudness_range(samples);
  std::vector<float> end;
  add_tone(end, 0.3, 0.002F);
  EXPECT_TRUE(is_quiet(end, range));
  add_tone(end, 0.03, 0.03F);  // 24 dB below: the "s" of a last word
  EXPECT_FALSE(is_quiet(end, range));
  EXPECT_TRUE(is_quiet({}, range));
}

TEST(Loudness, SteadySpeechIsNeverQuiet) {
  std::vector<float> samples;
  add_tone(samples, 1, 0.5F);
  EXPECT_FALSE(is_quiet(samples, loudness_range(samples)));
}

}  // namespace
}  // namespace morgan::engines
