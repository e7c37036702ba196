#include "dialogue/live/echo_guard.h"

#include "audio/pcm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

namespace morgan::dialogue::live {
namespace {

constexpr std::size_t kRate = audio::kSpeechRate;

/// Something like speech: a hum in syllables of random length and loudness, with gaps between some of them.
std::vector<float> voice(std::uint32_t seed, double seconds, double pitch_hz) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> unit(0, 1);
  std::vector<float> samples;
  const auto wanted = static_cast<std::size_t>(seconds * static_cast<double>(kRate));
  while (samples.size() < wanted) {
    const auto length = static_cast<std::size_t>((0.08 + 0.17 * unit(random)) * static_cast<double>(kRate));
    const double loud = unit(random) < 0.25 ? 0.002 : 0.05 + 0.4 * unit(random);
    for (std::size_t i = 0; i < length && samples.size() < wanted; ++i) {
      const double t = static_cast<double>(samples.size()) / static_cast<double>(kRate);
      const double shape = std::sin(std::numbers::pi * static_cast<double>(i) / static_cast<double>(length));
      const double hum =
          std::sin(2 * std::numbers::pi * pitch_hz * t) + 0.4 * std::sin(2 * std::numbers::pi * 5 * pitch_hz * t);
      samples.push_back(static_cast<float>(loud * shape * hum * 0.6));
    }
  }
  return samples;
}

/// What a microphone hears of a loudspeaker: later, weaker, duller, with a little room and noise.
std::vector<float> through_the_room(const std::vector<float>& played, double delay_ms, double gain, double noise) {
  std::mt19937 random(99);
  std::normal_distribution<float> hiss(0, static_cast<float>(noise));
  std::vector<float> heard(played.size());
  const auto delay = static_cast<std::size_t>(delay_ms * static_cast<double>(kRate) / 1000);
  float low = 0;
  for (std::size_t i = 0; i < heard.size(); ++i) {
    const float direct = i >= delay ? played[i - delay] : 0.0F;
    const float wall = i >= delay + 400 ? played[i - delay - 400] : 0.0F;
    low += 0.35F * (direct + 0.3F * wall - low);
    heard[i] = static_cast<float>(gain) * low + hiss(random);
  }
  return heard;
}

struct Verdicts {
  double share = 0;    ///< of the moments, from the second second on, at which it was taken for an echo
  int longest_ms = 0;  ///< without a moment at which it was not
};

Verdicts verdicts(const std::vector<float>& played, const std::vector<float>& heard) {
  EchoGuard guard;
  Verdicts verdicts;
  int moments = 0;
  int echoes = 0;
  int in_a_row = 0;
  for (std::size_t at = 0; at + 320 <= heard.size(); at += 320) {
    guard.played(std::span<const float>(played).subspan(at, 320), static_cast<int>(kRate));
    guard.heard(std::span<const float>(heard).subspan(at, 320));
    if (at < kRate) continue;
    ++moments;
    in_a_row = guard.is_echo() ? in_a_row + 1 : 0;
    echoes += in_a_row > 0 ? 1 : 0;
    verdicts.longest_ms = std::max(verdicts.longest_ms, in_a_row * 20);
  }
  verdicts.share = static_cast<double>(echoes) / moments;
  return verdicts;
}

double echo_share(const std::vector<float>& played, const std::vector<float>& heard) {
  return verdicts(played, heard).share;
}

TEST(EchoGuard, ALoudspeakersVoiceIsAnEcho) {
  const auto morgan = voice(1, 8, 120);
  for (const double delay_ms : {5.0, 60.0, 140.0, 250.0}) {
    for (const double gain : {0.8, 0.2, 0.05})
      EXPECT_GE(echo_share(morgan, through_the_room(morgan, delay_ms, gain, 0.0005)), 0.9)
          << delay_ms << " ms, gain " << gain;
  }
}

// Two voices rise and fall alike now and then; whoever goes on speaking is heard all the same.
TEST(EchoGuard, AnotherVoiceIsNoneForLong) {
  const auto morgan = voice(1, 30, 120);
  for (const std::uint32_t seed : {2U, 3U, 4U, 5U}) {
    const Verdicts told = verdicts(morgan, voice(seed, 30, 190));
    EXPECT_LE(told.share, 0.3) << seed;
    EXPECT_LT(told.longest_ms, 1'000) << seed;
  }
}

TEST(EchoGuard, WhoSpeaksLouderThanTheEchoIsHeard) {
  const auto morgan = voice(1, 10, 120);
  const auto person = voice(6, 10, 190);
  auto heard = through_the_room(morgan, 80, 0.1, 0.0005);
  for (std::size_t i = 0; i < heard.size(); ++i)
    heard[i] += person[i];
  const Verdicts told = verdicts(morgan, heard);
  EXPECT_LE(told.share, 0.3);
  EXPECT_LT(told.longest_ms, 1'000);
}

TEST(EchoGuard, SilenceAndSteadyNoiseProveNothing) {
  const auto morgan = voice(1, 4, 120);
  const std::vector<float> silence(morgan.size(), 0.0F);
  EXPECT_EQ(echo_share(morgan, silence), 0);
  EXPECT_EQ(echo_share(silence, morgan), 0);
  EXPECT_EQ(echo_share(morgan, through_the_room(silence, 0, 0, 0.05)), 0);
}

TEST(EchoGuard, WithNothingHeardYetNothingIsAnEcho) {
  EchoGuard guard;
  EXPECT_FALSE(guard.is_echo());
  const auto morgan = voice(1, 1, 120);
  guard.played(morgan, static_cast<int>(kRate));
  EXPECT_FALSE(guard.is_echo());
}

TEST(EchoGuard, AfterAResetTheWindowFillsAnew) {
  const auto morgan = voice(1, 2, 120);
  EchoGuard guard;
  guard.played(morgan, static_cast<int>(kRate));
  guard.heard(morgan);
  ASSERT_TRUE(guard.is_echo());
  guard.reset();
  EXPECT_FALSE(guard.is_echo());
}

}  // namespace
}  // namespace morgan::dialogue::live
