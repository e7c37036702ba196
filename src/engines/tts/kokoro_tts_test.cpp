#include "engines/tts/kokoro_tts.h"

#include "engines/tts/kokoro_phonemes.h"
#include "engines/tts/phonemizer.h"
#include "engines/tts/tts_test_support.h"

#include <set>

namespace morgan::engines {
namespace {

KokoroOptions options_in(const std::filesystem::path& folder) {
  return {.model = folder / "kokoro-82m-int8.onnx",
          .vocabulary = folder / "vocab.json",
          .voices = folder / "voices",
          .model_name = "kokoro"};
}

class Kokoro : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto folder = test_model("kokoro");
    if (folder.empty()) return;
    auto loaded = load_kokoro(options_in(folder));
    ASSERT_TRUE(loaded) << loaded.error().message;
    engine_ = std::move(*loaded).release();
  }
  static void TearDownTestSuite() { delete engine_; }
  void SetUp() override {
    if (engine_ == nullptr) GTEST_SKIP() << "MORGAN_HOME is not set";
  }

  static inline TtsEngine* engine_ = nullptr;
};

TEST_F(Kokoro, SpeaksAtAGoodLevelForAPlausibleTime) {
  for (const char* voice : {"default", "am_adam", "bf_emma"}) {
    const Spoken spoken = listen(*engine_, {"The tea is ready.", voice});
    const double seconds = static_cast<double>(spoken.samples.size()) / 24000;
    EXPECT_GT(seconds, 0.6) << voice;
    EXPECT_LT(seconds, 3.0) << voice;
    EXPECT_GT(spoken.peak(), 0.1F) << voice;
    EXPECT_LT(spoken.peak(), 1.0F) << voice;
  }
}

TEST_F(Kokoro, TellsWhereEachWordIsHeard) {
  const TimedSpeech spoken = listen_timed(*engine_, {"Stop: it costs $5, and ninety men of the north go. \U0001F600"});
  ASSERT_EQ(spoken.words.size(), 12U);
  // "five dollars" is two words of the eleven that are heard.
  EXPECT_GT(spoken.words[3].end_sample - spoken.words[3].begin_sample, 24000U / 3);
  EXPECT_LT(spoken.words[2].end_sample - spoken.words[2].begin_sample, 24000U * 2 / 3);
}

TEST_F(Kokoro, ListsItsVoices) {
  std::set<std::string> languages;
  for (const Voice& voice : engine_->voices()) {
    languages.insert(voice.language);
    EXPECT_EQ(voice.sample_rate_hz, 24000);
  }
  EXPECT_GE(engine_->voices().size(), 20U);
  EXPECT_EQ(languages, (std::set<std::string>{"en-GB", "en-US"}));
  EXPECT_EQ(engine_->find_voice("default")->name, "af_heart");
}

TEST_F(Kokoro, BeginsWithASmallPiece) {
  std::vector<std::size_t> sizes;
  const auto done = engine_->synthesize(
      {"The weather is clear today. You can expect a light breeze from the west."},
      [&](auto piece) {
        sizes.push_back(piece.size());
        return sizes.size() < 2;
      },
      StopToken());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kCancelled);
  EXPECT_LT(sizes.at(0), 24000U * 5 / 2);
}

TEST(KokoroVocabulary, KnowsEverySoundOfEnglish) {
  const auto folder = test_model("kokoro");
  if (folder.empty()) GTEST_SKIP() << "MORGAN_HOME is not set";
  const auto vocabulary = KokoroVocabulary::load(folder / "vocab.json");
  ASSERT_TRUE(vocabulary) << vocabulary.error().message;
  const char* text =
      "Nine jolly judges chose fresh yellow cheese, then thought of using a treasure: \"Why?\" A boy's father, out "
      "there "
      "in the pure air near the church, sings long hours; button, little, bottle, visionary loyalty.";
  for (const char* voice : {"en-us", "en"}) {
    const auto ipa = phonemize(text, voice, PhonemeTies::kCaret);
    ASSERT_TRUE(ipa);
    const Phonemes symbols = vocabulary->to_symbols(*ipa, std::string(voice) == "en");
    ASSERT_EQ(symbols.codes.size(), symbols.words.size());
    for (const char32_t code : symbols.codes) {
      std::string symbol;
      append_code_point(symbol, code);
      EXPECT_TRUE(vocabulary->contains(std::u32string(1, code))) << voice << ": " << symbol;
    }
  }
}

TEST(KokoroVocabulary, CutsLongSpeechWhereThereIsABlank) {
  const auto folder = test_model("kokoro");
  if (folder.empty()) GTEST_SKIP() << "MORGAN_HOME is not set";
  const auto vocabulary = KokoroVocabulary::load(folder / "vocab.json");
  ASSERT_TRUE(vocabulary);
  Phonemes symbols;
  for (std::uint32_t i = 0; i < 300; ++i) {
    for (const char32_t code : U"h\u0259l ")
      if (code != 0) symbols.append(code, i);
  }
  const auto pieces = vocabulary->to_tokens(symbols);
  ASSERT_EQ(pieces.size(), 3U);
  for (const auto& piece : pieces) {
    EXPECT_LE(piece.tokens.size(), kKokoroMaxTokens);
    EXPECT_EQ(piece.tokens.size(), piece.words.size());
  }
  EXPECT_EQ(pieces[2].words[0], 254U);
}

TEST(KokoroLoad, SaysWhatIsWrongWithAModel) {
  const auto missing = load_kokoro(options_in("/nonexistent"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace morgan::engines
