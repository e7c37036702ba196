#include "engines/turn/log_mel.h"
#include "engines/turn/smart_turn.h"
#include "test_support/wav_file.h"

#include <cmath>
#include <cstdlib>
#include <numbers>

namespace morgan::engines {
namespace {

TEST(LogMel, PutsATonesEnergyIntoItsBand) {
  // 1 kHz is 15 mel of 45.2 at 8 kHz: band 15 / 45.2 * 81 - 1 = 25.9 has its peak there.
  std::vector<float> tone(16000);
  for (std::size_t i = 0; i < tone.size(); ++i)
    tone[i] = std::sin(static_cast<float>(i) * 2 * std::numbers::pi_v<float> * 1000 / 16000);
  const std::vector<float> mel = LogMel().compute(tone);
  const std::size_t frames = 100;
  ASSERT_EQ(mel.size(), LogMel::kBands * frames);
  std::size_t loudest = 0;
  for (std::size_t band = 0; band < LogMel::kBands; ++band) {
    if (mel[band * frames + 50] > mel[loudest * frames + 50]) loudest = band;
  }
  EXPECT_NEAR(static_cast<double>(loudest), 25.9, 1.0);
}

TEST(LogMel, IsTheSameForAnyLoudness) {
  std::vector<float> quiet(16000);
  for (std::size_t i = 0; i < quiet.size(); ++i)
    quiet[i] = 0.1F * std::sin(static_cast<float>(i * i) * 1e-5F);
  std::vector<float> loud = quiet;
  for (float& sample : loud)
    sample *= 8;
  const std::vector<float> a = LogMel().compute(quiet);
  const std::vector<float> b = LogMel().compute(loud);
  for (std::size_t i = 0; i < a.size(); ++i)
    ASSERT_NEAR(a[i], b[i], 1e-2);
}

class SmartTurnTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* home = std::getenv("MORGAN_HOME");
    if (home == nullptr) GTEST_SKIP() << "MORGAN_HOME is not set";
    auto loaded = load_smart_turn(std::filesystem::path(home) / "models/smart-turn/smart-turn-v3.2-cpu.onnx");
    ASSERT_TRUE(loaded) << loaded.error().message;
    turn_ = std::move(*loaded);
  }

  std::unique_ptr<TurnEngine> turn_;
};

TEST_F(SmartTurnTest, AgreesWithTheReferenceRecipe) {
  // Probabilities of pipecat's own features and ONNX Runtime on the same samples.
  const struct {
    const char* file;
    std::size_t samples;
    float probability;
  } kCases[] = {{"jfk.wav", 176000, 0.8548F},
                {"jfk.wav", 105600, 0.0120F},
                {"librivox/sense_and_sensibility_01_austen_64kb-0870.wav", 113600, 0.9854F},
                {"librivox/sense_and_sensibility_01_austen_64kb-0920.wav", 58080, 0.0125F},
                {"librivox/sense_and_sensibility_01_austen_64kb-0890.wav", 50880, 0.2012F}};
  for (const auto& expected : kCases) {
    const auto speech = test_support::read_test_wav(expected.file);
    if (!speech) GTEST_SKIP() << "MORGAN_TEST_AUDIO is not set";
    const auto probability = turn_->probability_complete({std::span(speech->samples).first(expected.samples), 16000});
    ASSERT_TRUE(probability) << probability.error().message;
    // The model's weights are int8: its answer moves with the processor's rounding.
    EXPECT_NEAR(*probability, expected.probability, 0.05F) << expected.file << " " << expected.samples;
  }
}

TEST_F(SmartTurnTest, TakesAnyLengthAndOneRate) {
  EXPECT_TRUE(turn_->probability_complete({{}, 16000}));
  EXPECT_TRUE(turn_->probability_complete({std::vector<float>(160'001, 0.1F), 16000}));
  EXPECT_FALSE(turn_->probability_complete({std::vector<float>(8000), 8000}));
}

}  // namespace
}  // namespace morgan::engines
