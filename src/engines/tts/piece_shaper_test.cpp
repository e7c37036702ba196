#include "engines/tts/piece_shaper.h"

#include <cmath>
#include <numbers>

namespace morgan::engines {
namespace {

constexpr int kRate = 22050;

std::vector<float> tone(double seconds, float level, double hertz = 220) {
  std::vector<float> samples(static_cast<std::size_t>(seconds * kRate));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = level * static_cast<float>(std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / kRate));
  }
  return samples;
}

std::vector<float> with_silence(double before, std::span<const float> sound, double after) {
  std::vector<float> all(static_cast<std::size_t>(before * kRate));
  all.insert(all.end(), sound.begin(), sound.end());
  all.resize(all.size() + static_cast<std::size_t>(after * kRate));
  return all;
}

double head_silence(std::span<const float> samples) {
  const auto loud = std::find_if(samples.begin(), samples.end(), [](float x) { return std::abs(x) > 0.01F; });
  return static_cast<double>(loud - samples.begin()) / kRate;
}

double tail_silence(std::vector<float> samples) {
  std::reverse(samples.begin(), samples.end());
  return head_silence(samples);
}

TEST(PieceShaper, CutsTheSilenceAtTheHead) {
  const auto piece = shape_piece(with_silence(0.3, tone(0.5, 0.5F), 0.4), {.rate_hz = kRate}).samples;
  EXPECT_LE(head_silence(piece), 0.021);
}

TEST(PieceShaper, PausesByWhatEndsThePiece) {
  double longest = -1;
  for (const PieceEnd end : {PieceEnd::kPhrase, PieceEnd::kClause, PieceEnd::kSentence}) {
    const auto piece = shape_piece(with_silence(0.1, tone(0.5, 0.5F), 0.6), {.rate_hz = kRate, .end = end}).samples;
    EXPECT_NEAR(tail_silence(piece), pause_seconds(end, 1.0), 0.03);
    EXPECT_GT(pause_seconds(end, 1.0), longest);
    longest = pause_seconds(end, 1.0);
  }
  EXPECT_LT(pause_seconds(PieceEnd::kSentence, 2.0), pause_seconds(PieceEnd::kSentence, 1.0));
}

TEST(PieceShaper, JoinsWithoutAClick) {
  // A tone that begins and ends at its loudest would click at each seam were it not faded.
  std::vector<float> raw = tone(0.3, 0.8F);
  std::rotate(raw.begin(), raw.begin() + kRate / 880, raw.end());
  const float steepest = 0.8F * 2 * static_cast<float>(std::numbers::pi) * 220 / kRate;
  std::vector<float> joined;
  for (int i = 0; i < 1000; ++i) {
    const auto end = static_cast<PieceEnd>(i % 3);
    const auto piece =
        shape_piece(std::span(raw).first(raw.size() - static_cast<std::size_t>(i % 50)), {.rate_hz = kRate, .end = end})
            .samples;
    joined.insert(joined.end(), piece.begin(), piece.end());
  }
  // The fades' own slope may add to the tone's, no more.
  float worst = 0;
  for (std::size_t i = 1; i < joined.size(); ++i)
    worst = std::max(worst, std::abs(joined[i] - joined[i - 1]));
  EXPECT_LT(worst, 2 * steepest);
}

TEST(PieceShaper, StaysBelowFullScale) {
  const auto piece = shape_piece(tone(0.3, 3.0F), {.rate_hz = kRate, .gain = 2.0F}).samples;
  EXPECT_LE(*std::max_element(piece.begin(), piece.end()), 0.98F);
  EXPECT_GE(*std::min_element(piece.begin(), piece.end()), -0.98F);
}

TEST(PieceShaper, TheGainIsTheSameForEveryPiece) {
  const auto quiet = shape_piece(tone(0.5, 0.1F), {.rate_hz = kRate, .gain = 0.6F}).samples;
  const auto loud = shape_piece(tone(0.5, 0.4F), {.rate_hz = kRate, .gain = 0.6F}).samples;
  EXPECT_NEAR(*std::max_element(quiet.begin(), quiet.end()), 0.06F, 0.005F);
  EXPECT_NEAR(*std::max_element(loud.begin(), loud.end()), 0.24F, 0.01F);
}

TEST(PieceShaper, SaysWhereTheRawSamplesAre) {
  const auto piece = shape_piece(with_silence(0.3, tone(0.5, 0.5F), 0.4), {.rate_hz = kRate});
  EXPECT_NEAR(static_cast<double>(piece.skipped) / kRate, 0.285, 0.006);
  EXPECT_NEAR(static_cast<double>(piece.sound_end) / kRate, 0.515, 0.006);
  EXPECT_LE(piece.sound_end, piece.samples.size());
}

TEST(PieceShaper, BringsAPieceNearTheLevelOfTheOthers) {
  // A tone of 0.1 is 23 dB below full scale.
  const auto level = [](float tone_level, std::optional<double> wanted) {
    const auto piece = shape_piece(tone(0.5, tone_level), {.rate_hz = kRate, .level_db = wanted});
    return loudness_db(std::span(piece.samples).first(piece.sound_end), kRate);
  };
  EXPECT_NEAR(level(0.1F, {}), -23, 0.3);
  EXPECT_NEAR(level(0.1F, -23), -23, 0.3);
  EXPECT_NEAR(level(0.1F, -27), -26, 0.3);
  EXPECT_NEAR(level(0.1F, -19), -20, 0.3);
  EXPECT_NEAR(level(0.1F, -60), -27, 0.3);  // a whisper stays one
}

TEST(PieceShaper, PartsJoinToTheWholePiece) {
  const auto raw = with_silence(0.2, tone(0.5, 0.3F), 0.3);
  const auto whole = shape_piece(raw, {.rate_hz = kRate});
  const auto cut = static_cast<std::size_t>(0.4 * kRate);
  const auto front = shape_piece(std::span(raw).first(cut), {.rate_hz = kRate, .closes = false});
  const auto back = shape_piece(std::span(raw).subspan(cut), {.rate_hz = kRate, .opens = false});
  std::vector<float> joined = front.samples;
  joined.insert(joined.end(), back.samples.begin(), back.samples.end());
  // The end of the sound is found in steps of 5 ms, counted from the beginning of a part.
  ASSERT_NEAR(static_cast<double>(joined.size()), static_cast<double>(whole.samples.size()), 0.0051 * kRate);
  for (std::size_t i = 0; i < static_cast<std::size_t>(0.4 * kRate); ++i)
    ASSERT_NEAR(joined[i], whole.samples[i], 1e-3) << i;
  EXPECT_EQ(front.skipped, whole.skipped);
}

TEST(PieceShaper, SilenceIsNoPiece) {
  EXPECT_TRUE(shape_piece({}, {}).samples.empty());
  EXPECT_TRUE(shape_piece(std::vector<float>(kRate), {}).samples.empty());
}

}  // namespace
}  // namespace morgan::engines
