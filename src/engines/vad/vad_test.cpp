#include "engines/vad/silero_vad.h"
#include "test_support/wav_file.h"

#include <cmath>
#include <cstdlib>
#include <random>

namespace morgan::engines {
namespace {

/// One mark a 32 ms frame: '.' silence (0.05), 's' speech (0.9), '~' between the two thresholds (0.4).
std::vector<SpeechSegmenter::Event> events_of(const std::string& marks, SegmenterOptions options = {}) {
  SpeechSegmenter segmenter(options);
  std::vector<SpeechSegmenter::Event> all;
  for (const char mark : marks) {
    for (const auto& event : segmenter.push(mark == 's' ? 0.9F : mark == '~' ? 0.4F : 0.05F))
      all.push_back(event);
  }
  for (const auto& event : segmenter.finish())
    all.push_back(event);
  return all;
}

constexpr double kFrame = 0.032;

TEST(SpeechSegmenter, StartsWhereSpeechBeganAndEndsWhereItStopped) {
  // 4 frames of silence, 20 of speech, 20 of silence: 500 ms of silence are 16 frames.
  const auto events = events_of("...." + std::string(20, 's') + std::string(20, '.'));
  ASSERT_EQ(events.size(), 2U);
  EXPECT_NEAR(events[0].at_seconds, 4 * kFrame, 1e-9);
  EXPECT_NEAR(events[1].at_seconds, 24 * kFrame, 1e-9);
  EXPECT_NEAR(events[1].confidence, 0.9, 1e-3);
}

TEST(SpeechSegmenter, IgnoresSpeechShorterThanTheLeast) {
  EXPECT_TRUE(events_of(std::string(7, 's') + std::string(30, '.')).empty());   // 224 ms < 250 ms
  EXPECT_EQ(events_of(std::string(8, 's') + std::string(30, '.')).size(), 2U);  // 256 ms
}

TEST(SpeechSegmenter, BridgesShortSilencesAndHalfVoicedFrames) {
  EXPECT_EQ(events_of(std::string(10, 's') + std::string(15, '.') + std::string(10, 's')).size(), 2U);
  EXPECT_EQ(events_of(std::string(10, 's') + std::string(40, '~') + std::string(10, 's')).size(), 2U);
  EXPECT_EQ(events_of(std::string(10, 's') + std::string(16, '.') + std::string(10, 's')).size(), 4U);
  EXPECT_TRUE(events_of(std::string(40, '~')).empty());
}

TEST(SpeechSegmenter, EndsOpenSpeechAtTheEnd) {
  const auto events = events_of(std::string(10, 's') + "...");
  ASSERT_EQ(events.size(), 2U);
  EXPECT_NEAR(events[1].at_seconds, 10 * kFrame, 1e-9);
}

TEST(SegmenterOptions, NamesTheFieldThatIsWrong) {
  SegmenterOptions options;
  options.threshold = std::nanf("");
  EXPECT_EQ(options.check().error().param, "threshold");
  options = {};
  options.max_speech_ms = 10;
  EXPECT_EQ(options.check().error().param, "max_speech_ms");
}

class SileroTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* home = std::getenv("MORGAN_HOME");
    if (home == nullptr) GTEST_SKIP() << "MORGAN_HOME is not set";
    auto loaded = load_silero_vad(std::filesystem::path(home) / "models/silero-vad/silero_vad.onnx");
    ASSERT_TRUE(loaded) << loaded.error().message;
    vad_ = std::move(*loaded);
  }

  std::unique_ptr<VadEngine> vad_;
};

TEST_F(SileroTest, HearsSpeechInARecordingAndNoneInSilenceOrNoise) {
  const auto speech = test_support::read_test_wav("jfk.wav");
  if (!speech) GTEST_SKIP() << "MORGAN_TEST_AUDIO is not set";
  const auto segments = find_speech(*vad_, *speech, {});
  ASSERT_TRUE(segments) << segments.error().message;
  ASSERT_FALSE(segments->empty());
  double spoken = 0;
  for (const SpeechSegment& segment : *segments) {
    EXPECT_GT(segment.confidence, 0.7F);
    spoken += segment.end_seconds - segment.start_seconds;
  }
  EXPECT_GT(spoken, 6.0);
  EXPECT_LE(segments->back().end_seconds, speech->seconds() + 1e-6);

  EXPECT_TRUE(find_speech(*vad_, audio::PcmBuffer{std::vector<float>(48000, 0.0F)}, {})->empty());
  std::mt19937 generator(1);
  std::normal_distribution<float> noise(0.0F, 0.1F);
  audio::PcmBuffer hiss{std::vector<float>(80000)};
  for (float& sample : hiss.samples)
    sample = noise(generator);
  EXPECT_TRUE(find_speech(*vad_, hiss, {})->empty());
}

TEST_F(SileroTest, CutsLongSpeechIntoPiecesThatTouch) {
  const auto speech = test_support::read_test_wav("jfk.wav");
  if (!speech) GTEST_SKIP() << "MORGAN_TEST_AUDIO is not set";
  SegmenterOptions options;
  options.max_speech_ms = 2000;
  options.min_silence_ms = 3000;
  const auto segments = find_speech(*vad_, *speech, options);
  ASSERT_TRUE(segments);
  ASSERT_GT(segments->size(), 3U);
  for (std::size_t i = 0; i < segments->size(); ++i) {
    EXPECT_LE((*segments)[i].end_seconds - (*segments)[i].start_seconds, 2.0 + 1e-6);
    if (i > 0) {
      EXPECT_GE((*segments)[i].start_seconds, (*segments)[i - 1].end_seconds - 1e-9);
    }
  }
}

TEST_F(SileroTest, StreamsAreIndependentAndResetForgets) {
  const auto speech = test_support::read_test_wav("jfk.wav");
  if (!speech) GTEST_SKIP() << "MORGAN_TEST_AUDIO is not set";
  const auto first = vad_->open();
  const auto second = vad_->open();
  const std::span<const float> samples(speech->samples);
  float alone = 0;
  for (std::size_t at = 0; at + 512 <= 32000; at += 512)
    alone = *first->push(samples.subspan(at, 512));
  first->reset();
  float again = 0;
  for (std::size_t at = 0; at + 512 <= 32000; at += 512) {
    again = *first->push(samples.subspan(at, 512));
    ASSERT_TRUE(second->push(std::vector<float>(512, 0.0F)));
  }
  EXPECT_FLOAT_EQ(alone, again);
  EXPECT_FALSE(first->push(samples.subspan(0, 480)));
}

}  // namespace
}  // namespace morgan::engines
