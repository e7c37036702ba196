#include "engines/wake/open_wake_word.h"
#include "test_support/wav_file.h"

#include <gmock/gmock.h>

#include <cstdlib>

namespace morgan::engines {
namespace {

class OpenWakeWordTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* home = std::getenv("MORGAN_HOME");
    const char* audio = std::getenv("MORGAN_TEST_AUDIO");
    if (home == nullptr || audio == nullptr) GTEST_SKIP() << "MORGAN_HOME or MORGAN_TEST_AUDIO is not set";
    auto loaded = load_open_wake_word({std::filesystem::path(home) / "models/open-wake-word"});
    ASSERT_TRUE(loaded) << loaded.error().message;
    wake_ = std::move(*loaded);
    audio_ = audio;
  }

  std::unique_ptr<WakeEngine> wake_;
  std::filesystem::path audio_;
};

TEST_F(OpenWakeWordTest, KnowsItsPhrases) {
  std::vector<std::string> phrases;
  for (const WakeWord& word : wake_->words())
    phrases.push_back(word.name + ": " + word.phrase);
  EXPECT_THAT(phrases, testing::ElementsAre("alexa: alexa", "hey_jarvis: hey jarvis", "hey_mycroft: hey mycroft",
                                            "hey_rhasspy: hey rhasspy"));
  EXPECT_EQ(wake_->open({"hey_nobody"}).error().code, ErrorCode::kNotFound);
}

TEST_F(OpenWakeWordTest, OtherSpeechWakesNobody) {
  const auto stream = wake_->open({});
  ASSERT_TRUE(stream);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(audio_)) {
    if (entry.path().extension() != ".wav") continue;
    const auto pcm = test_support::read_test_wav(entry.path().lexically_relative(audio_).string());
    if (!pcm) continue;  // of another rate
    const auto found = (*stream)->push(pcm->samples);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_TRUE(found->empty()) << entry.path() << ": " << found->front().name;
  }
}

TEST(OpenWakeWord, SaysWhatIsMissing) {
  const auto loaded = load_open_wake_word({"/nowhere"});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace morgan::engines
