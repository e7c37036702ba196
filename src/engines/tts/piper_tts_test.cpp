#include "engines/tts/piper_tts.h"

#include "engines/tts/seam_checks.h"
#include "engines/tts/tts_test_support.h"
#include "text/sentence_splitter.h"

#include <future>

namespace morgan::engines {
namespace {

class Piper : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto folder = test_model("piper-joe");
    if (folder.empty()) return;
    auto loaded =
        load_piper({.model = folder / "en_US-joe-medium.onnx", .voice_name = "joe", .model_name = "piper-joe"});
    ASSERT_TRUE(loaded) << loaded.error().message;
    engine_ = std::move(*loaded).release();
  }
  static void TearDownTestSuite() { delete engine_; }
  void SetUp() override {
    if (engine_ == nullptr) GTEST_SKIP() << "MORGAN_HOME is not set";
  }

  static constexpr double kRate = 22050;
  static inline TtsEngine* engine_ = nullptr;
};

TEST_F(Piper, SpeaksAtAGoodLevelForAPlausibleTime) {
  const Spoken spoken = listen(*engine_, {"The quick brown fox jumps over the lazy dog."});
  const double seconds = static_cast<double>(spoken.samples.size()) / kRate;
  EXPECT_GT(seconds, 1.5);
  EXPECT_LT(seconds, 5.0);
  EXPECT_GT(spoken.peak(), 0.1F);
  EXPECT_LT(spoken.peak(), 1.0F);
}

TEST_F(Piper, SpeaksFasterWhenAsked) {
  const std::string text = "Some people speak slowly, and some people speak very fast indeed.";
  const auto normal = static_cast<double>(listen(*engine_, {text}).samples.size());
  const auto fast = static_cast<double>(listen(*engine_, {text, "default", 2.0}).samples.size());
  EXPECT_NEAR(fast / normal, 0.55, 0.17);
  const auto wrong = engine_->synthesize({text, "default", 9.0}, [](auto) { return true; }, StopToken());
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(wrong.error().param, "speed");
}

TEST_F(Piper, TellsWhereEachWordIsHeard) {
  for (const char* text :
       {"The quick brown fox jumps over the lazy dog.", "It costs $5 at 10:30, or $1,234.56 by the end of the year.",
        "Dr. Smith (he is **80**) said: \"No, e.g. \u2014 never!\"", "\U0001F600 Hello \U0001F600",
        "- one\n- two\n- three", "Hello \u4f60\u597d world. \u4f60\u597d\u3002", "one",
        "The U.S. spent 3.5% of it in 2024 - or 3/4 of that."}) {
    const TimedSpeech spoken = listen_timed(*engine_, {text});
    EXPECT_GE(spoken.chunks, 1U) << text;
  }
  // Nothing is heard, yet the words are told.
  EXPECT_EQ(listen_timed(*engine_, {"\U0001F600 ..."}).chunks, 1U);
  EXPECT_EQ(listen_timed(*engine_, {""}).chunks, 0U);
}

TEST_F(Piper, WordsAreLoudAndTheBreathBetweenThemIsNot) {
  const TimedSpeech spoken = listen_timed(*engine_, {"Stop, take care, and go."});
  ASSERT_EQ(spoken.words.size(), 5U);
  const auto level = [&](std::size_t begin, std::size_t end) {
    double sum = 0;
    for (std::size_t i = begin; i < end; ++i)
      sum += static_cast<double>(spoken.samples[i]) * spoken.samples[i];
    return std::sqrt(sum / static_cast<double>(end - begin));
  };
  for (const SpokenWord& word : spoken.words)
    EXPECT_GT(level(word.begin_sample, word.end_sample), 0.02) << word.text;
  EXPECT_LT(spoken.words[0].begin_sample, static_cast<std::size_t>(0.02 * kRate));
  // Behind the last word comes the pause alone.
  EXPECT_LT(level(spoken.words[4].end_sample, spoken.samples.size()), 0.01);
}

TEST_F(Piper, TheSameTextTakesAsLongWithAndWithoutWords) {
  const std::string text = "The words cost nothing.";
  const auto plain = static_cast<double>(listen(*engine_, {text}).samples.size());
  EXPECT_NEAR(static_cast<double>(listen_timed(*engine_, {text}).samples.size()) / plain, 1, 0.25);
}

/// An answer as the real-time conversation speaks it: a request per piece.
struct LiveAnswer {
  std::vector<float> samples;
  std::vector<std::size_t> seams;
};

LiveAnswer speak_live(TtsEngine& engine, std::string_view text) {
  LiveAnswer answer;
  const auto pieces = text::split_sentences(text, {.first_clause_chars = 24, .max_chars = 300, .eager = true});
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    TtsRequest request{.text = pieces[i]};
    request.follows = i > 0;
    request.continues = i + 1 < pieces.size();
    const TimedSpeech spoken = listen_timed(engine, request);
    if (i > 0) answer.seams.push_back(answer.samples.size());
    answer.samples.insert(answer.samples.end(), spoken.samples.begin(), spoken.samples.end());
  }
  return answer;
}

TEST_F(Piper, PiecesOfALiveAnswerMeetUnheard) {
  std::size_t seams = 0;
  for (const char* text : {"The capital of France is Paris, which lies on the Seine. It has two million people.",
                           "Of course, I can help you with that. Tell me what you would like to cook tonight.",
                           "Turn left at the church, walk down the hill, and you will see it on your right.",
                           "My grandmother planted this old apple tree in the garden behind the house."}) {
    LiveAnswer answer = speak_live(*engine_, text);
    EXPECT_LT(std::abs(dc_of(answer.samples)), 0.001);
    EXPECT_LT(*std::max_element(answer.samples.begin(), answer.samples.end()), 0.985F);
    for (const std::size_t seam : answer.seams) {
      EXPECT_FALSE(click_at_seam(answer.samples, seam, 22050)) << text << " at " << seam;
      // No head of silence: the gap is the pause at the end of the piece before.
      const auto first = std::find_if(answer.samples.begin() + static_cast<std::ptrdiff_t>(seam), answer.samples.end(),
                                      [](float x) { return std::abs(x) > 0.004F; });
      EXPECT_LT(first - answer.samples.begin(), static_cast<std::ptrdiff_t>(seam) + 22050 * 40 / 1000) << text;
      // The detector does see what a seam without fades leaves.
      answer.samples[seam] += 0.01F;
      EXPECT_TRUE(click_at_seam(answer.samples, seam, 22050));
      answer.samples[seam] -= 0.01F;
      ++seams;
    }
  }
  EXPECT_GE(seams, 6U);
}

TEST_F(Piper, TheFirstWordsAreHeardBeforeTheRestIsMade) {
  TtsRequest request{.text = "Every morning the old man walks along the quiet river"};
  const auto chunks = [&] {
    std::vector<std::size_t> sizes;
    const auto take = [&sizes](const SpeechChunk& chunk) {
      sizes.push_back(chunk.samples.size());
      EXPECT_FALSE(chunk.words.empty());
      return true;
    };
    EXPECT_TRUE(engine_->synthesize_timed(request, take, StopToken()));
    return sizes;
  };
  const auto first = chunks();
  ASSERT_GE(first.size(), 3U);
  EXPECT_LT(static_cast<double>(first[0]) / kRate, 0.8);
  // What follows something is not waited for: its pieces are made whole.
  request.follows = true;
  EXPECT_LT(chunks().size(), first.size());
}

TEST_F(Piper, APieceThatGoesOnIsFollowedByNoSentencePause) {
  TtsRequest request{.text = "The capital of France"};
  const auto pause = [&] {
    auto samples = listen_timed(*engine_, request).samples;
    std::reverse(samples.begin(), samples.end());
    const auto loud = std::find_if(samples.begin(), samples.end(), [](float x) { return std::abs(x) > 0.01F; });
    return static_cast<double>(loud - samples.begin()) / kRate;
  };
  EXPECT_GT(pause(), 0.2);
  request.continues = true;
  EXPECT_LT(pause(), 0.1);
}

TEST_F(Piper, GivesALongTextInPieces) {
  std::string text;
  for (int i = 0; i < 12; ++i)
    text += "Every sentence of this text is spoken by itself, one after another. ";
  const Spoken spoken = listen(*engine_, {text});
  EXPECT_GE(spoken.pieces, 12U);
}

TEST_F(Piper, StopsWhenNobodyListens) {
  std::string text;
  for (int i = 0; i < 50; ++i)
    text += "This goes on and on. ";
  int pieces = 0;
  const auto left = engine_->synthesize({text}, [&](auto) { return ++pieces < 2; }, StopToken());
  ASSERT_FALSE(left);
  EXPECT_EQ(left.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(pieces, 2);
  StopSource stop;
  const auto stopped = engine_->synthesize(
      {text},
      [&](auto) {
        stop.request_stop(StopReason::kClientGone);
        return true;
      },
      stop.token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
}

TEST_F(Piper, HasNothingToSayForSilence) {
  for (const char* text : {"", "  ", "...", "\U0001F600"})
    EXPECT_TRUE(listen(*engine_, {text}).samples.empty()) << text;
}

TEST_F(Piper, KnowsItsVoiceOnly) {
  EXPECT_EQ(engine_->find_voice("default")->name, "joe");
  const auto unknown = engine_->find_voice("jo");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  EXPECT_NE(unknown.error().message.find("joe"), std::string::npos);
}

TEST_F(Piper, SpeaksToSeveralAtOnce) {
  std::vector<std::future<std::size_t>> callers;
  for (int i = 0; i < 3; ++i) {
    callers.push_back(std::async(std::launch::async, [] {
      std::size_t samples = 0;
      const auto done = engine_->synthesize(
          {"All of us speak at once."},
          [&](auto piece) {
            samples += piece.size();
            return true;
          },
          StopToken());
      return done ? samples : 0U;
    }));
  }
  for (auto& caller : callers)
    EXPECT_GT(caller.get(), 15000U);
}

TEST(PiperLoad, SaysWhatIsWrongWithAModel) {
  const auto missing = load_piper({.model = "/nonexistent/voice.onnx", .voice_name = "x", .model_name = "x"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace morgan::engines
