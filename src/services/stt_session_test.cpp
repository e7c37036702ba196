#include "services/stt_session.h"

namespace morgan::services {
namespace {

using std::chrono::minutes;

/// Says how much it heard; what it says does not matter here.
class CountingStt final : public engines::SttEngine {
 public:
  Result<engines::Transcript> transcribe(audio::PcmView pcm, const engines::SttRequest&, const StopToken&) override {
    ++calls;
    longest = std::max(longest, pcm.samples.size());
    engines::Transcript transcript;
    transcript.language = "en";
    transcript.language_probability = 0.9F;
    engines::SttSegment segment;
    segment.text = "something";
    segment.end_seconds = pcm.seconds();
    segment.confidence = 0.9F;
    transcript.segments.push_back(segment);
    return transcript;
  }
  Result<std::vector<engines::LanguageGuess>> detect_language(audio::PcmView, const StopToken&) override {
    return fail(ErrorCode::kUnsupported, "no languages here");
  }
  engines::EngineInfo info() const override { return {}; }

  std::size_t calls = 0;
  std::size_t longest = 0;
};

class SttSessionsTest : public testing::Test {
 protected:
  CountingStt stt_;
  SteadyTime now_ = std::chrono::steady_clock::now();
  SttSessions sessions_{stt_, nullptr, [this] { return now_; }, 2};
};

std::string pcm(std::size_t samples) {
  std::string bytes;
  for (std::size_t i = 0; i < samples; ++i) {
    bytes += static_cast<char>(i * 37 % 251);
    bytes += static_cast<char>(i % 23);
  }
  return bytes;
}

TEST_F(SttSessionsTest, AreBoundedInNumber) {
  ASSERT_TRUE(sessions_.open("a", {}));
  ASSERT_TRUE(sessions_.open("", {}));
  const auto refused = sessions_.open("c", {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kOverloaded);
  ASSERT_TRUE(sessions_.remove("a"));
  EXPECT_TRUE(sessions_.open("c", {}));
}

TEST_F(SttSessionsTest, AnIdIsTakenOnce) {
  ASSERT_TRUE(sessions_.open("a", {}));
  EXPECT_EQ(sessions_.open("a", {}).error().code, ErrorCode::kConflict);
}

TEST_F(SttSessionsTest, ExpireAfterHalfAnHourWithoutUse) {
  ASSERT_TRUE(sessions_.open("a", {}));
  ASSERT_TRUE(sessions_.open("b", {}));
  now_ += minutes(20);
  ASSERT_TRUE(sessions_.find("b"));
  now_ += minutes(11);
  EXPECT_EQ(sessions_.find("a").error().code, ErrorCode::kNotFound);
  const auto left = sessions_.list();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left.front().session->id(), "b");
  EXPECT_DOUBLE_EQ(left.front().age_seconds, 31 * 60);
  EXPECT_DOUBLE_EQ(left.front().idle_seconds, 11 * 60);
}

TEST_F(SttSessionsTest, HalfASampleIsRefusedAndTheSessionGoesOn) {
  const auto session = *sessions_.open("a", {});
  const auto refused = session->push_pcm16(pcm(100) + "x", 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "INVALID_AUDIO");
  EXPECT_EQ(session->seconds(), 0);
  ASSERT_TRUE(session->push_pcm16(pcm(8000), 0));
  EXPECT_EQ(session->seconds(), 0.5);
  const auto text = session->finish({});
  ASSERT_TRUE(text);
  EXPECT_EQ(text->text, "something");
  EXPECT_EQ(text->stable_bytes, text->text.size());
}

TEST_F(SttSessionsTest, SmallPiecesWaitForAPass) {
  const auto session = *sessions_.open("a", {});
  ASSERT_TRUE(session->push_pcm16(pcm(1600), 0));
  EXPECT_FALSE(session->partial({})->changed);
  EXPECT_EQ(stt_.calls, 0U);
  ASSERT_TRUE(session->push_pcm16(pcm(6400), 0));
  EXPECT_TRUE(session->partial({})->changed);
  EXPECT_EQ(stt_.calls, 1U);
}

TEST_F(SttSessionsTest, AQuarterOfAnHourAtOnceIsHeardInBoundedPieces) {
  const auto session = *sessions_.open("a", {});
  const std::string minute = pcm(60 * 16000);
  for (int i = 0; i < 15; ++i)
    ASSERT_TRUE(session->push_pcm16(minute, 0));
  EXPECT_LT(stt_.longest, 30U * 16000U);
  EXPECT_EQ(session->seconds(), 900);
  const auto text = session->finish({});
  ASSERT_TRUE(text);
  EXPECT_NE(text->text.find("something"), std::string::npos);
}

TEST_F(SttSessionsTest, OtherRatesAreConverted) {
  SttSessionOptions options;
  options.rate_hz = 48000;
  const auto session = *sessions_.open("a", options);
  ASSERT_TRUE(session->push_pcm16(pcm(48000), 0));
  EXPECT_NEAR(session->seconds(), 1.0, 0.1);
}

}  // namespace
}  // namespace morgan::services
