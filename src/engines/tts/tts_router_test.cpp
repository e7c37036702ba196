#include "engines/tts/tts_router.h"

#include "engines/tts/voice_list.h"

namespace morgan::engines {
namespace {

/// A synthesizer whose speech is its number, for telling which one spoke.
class Numbered final : public TtsEngine {
 public:
  Numbered(float number, const std::vector<std::string>& names) : number_(number) {
    for (const std::string& name : names)
      voices_.push_back({name, "en-US", "", 16000, "", "numbered"});
  }
  std::vector<Voice> voices() const override { return voices_; }
  Result<Voice> find_voice(const std::string& name) const override {
    return voice_named(voices_, name, voices_.front().name);
  }
  Result<void> synthesize(const TtsRequest& request, const TtsSink& sink, const StopToken&) override {
    MORGAN_TRY(const Voice voice, find_voice(request.voice));
    sink(std::vector<float>{number_});
    return {};
  }
  std::vector<EngineInfo> info() const override { return {EngineInfo{"tts", "numbered", "n", "", {"en"}, false}}; }

 private:
  float number_;
  std::vector<Voice> voices_;
};

Result<std::unique_ptr<TtsEngine>> two(const std::string& default_voice) {
  std::vector<std::unique_ptr<TtsEngine>> engines;
  engines.push_back(std::make_unique<Numbered>(1.0F, std::vector<std::string>{"joe", "both"}));
  engines.push_back(std::make_unique<Numbered>(2.0F, std::vector<std::string>{"af_alloy", "both", "am_echo"}));
  return make_tts_router(std::move(engines), default_voice);
}

float speaker(TtsEngine& router, const std::string& voice) {
  float number = 0;
  const auto done = router.synthesize(
      {"hi", voice},
      [&](auto samples) {
        number = samples[0];
        return true;
      },
      StopToken());
  EXPECT_TRUE(done) << done.error().message;
  return number;
}

TEST(TtsRouter, TheVoiceDecidesWhoSpeaks) {
  const auto router = two("joe");
  ASSERT_TRUE(router);
  EXPECT_EQ(speaker(**router, "joe"), 1.0F);
  EXPECT_EQ(speaker(**router, "am_echo"), 2.0F);
  EXPECT_EQ(speaker(**router, "both"), 1.0F);
  EXPECT_EQ(speaker(**router, "default"), 1.0F);
  EXPECT_EQ(speaker(**two("am_echo"), "default"), 2.0F);
}

TEST(TtsRouter, KnowsOpenAisNames) {
  const auto router = two("joe");
  EXPECT_EQ(speaker(**router, "alloy"), 2.0F);
  EXPECT_EQ((*router)->find_voice("alloy")->name, "af_alloy");
}

TEST(TtsRouter, ListsEveryVoiceOnceAndNamesTheNearest) {
  const auto router = two("joe");
  EXPECT_EQ((*router)->voices().size(), 4U);
  EXPECT_EQ((*router)->info().size(), 2U);
  const auto unknown = (*router)->find_voice("af_aloy");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  EXPECT_NE(unknown.error().message.find("af_alloy"), std::string::npos);
}

TEST(TtsRouter, SuggestsOpenAisNamesToo) {
  const auto router = two("joe");
  EXPECT_NE((*router)->find_voice("aloy").error().message.find("did you mean 'alloy'"), std::string::npos);
}

TEST(TtsRouter, RefusesADefaultThatIsNoVoice) {
  EXPECT_FALSE(two("nobody"));
}

}  // namespace
}  // namespace morgan::engines
