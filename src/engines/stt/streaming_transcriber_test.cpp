#include "engines/stt/streaming_transcriber.h"

#include "base/strings.h"
#include "engines/stt/transcript_units.h"
#include "engines/stt/whisper_test_model.h"
#include "text/word_errors.h"

#include <algorithm>
#include <random>

namespace morgan::engines {
namespace {

constexpr std::size_t kStep = 512;

std::size_t at(double seconds) {
  return static_cast<std::size_t>(seconds * audio::kSpeechRate);
}

/// Hears words where they were put: a whole word as it is, the beginning of one as its first letter, nothing of one
/// whose beginning is cut off. Times are off by up to a tenth of a second, as Whisper's are.
class WordEngine final : public SttEngine {
 public:
  struct Word {
    std::string text;
    double begin = 0;
    double end = 0;
  };

  explicit WordEngine(std::size_t seed) : random_(seed) {}

  /// Words of 0.3 s with a short gap between them, and noise that makes each sample one of a kind.
  void say(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      const double begin = seconds();
      add(0.3, 0.5F);
      words_.push_back({text, begin, seconds()});
      add(0.06, 0.001F);
    }
  }
  void pause(double length) { add(length, 0.001F); }

  Result<Transcript> transcribe(audio::PcmView pcm, const SttRequest& request, const StopToken& stop) override {
    if (stop.stop_requested()) return fail(stop.error());
    if (next_error_) return fail(*std::exchange(next_error_, std::nullopt));
    last_request_ = request;
    longest_ = std::max(longest_, pcm.samples.size());
    ++calls_;
    Transcript transcript;
    transcript.language = request.language.empty() ? language_ : request.language;
    transcript.language_probability = language_probability_;
    if (std::exchange(refuse_next_, false)) {
      transcript.refused = true;
      return transcript;
    }
    const auto found = std::search(audio_.begin(), audio_.end(), pcm.samples.begin(), pcm.samples.begin() + 16);
    const double from = static_cast<double>(found - audio_.begin()) / audio::kSpeechRate;
    const double to = from + pcm.seconds();
    SttSegment segment;
    std::uniform_real_distribution<double> error(-0.1, 0.1);
    for (const Word& word : words_) {
      if (word.begin < from - 0.02 || word.begin + 0.1 > to) continue;
      const bool whole = word.end <= to + 0.02;
      const std::string text = whole ? word.text : word.text.substr(0, 1);
      segment.text += (segment.text.empty() ? "" : " ") + text;
      const double shift = error(random_);
      segment.words.push_back({text, std::max(0.0, word.begin - from + shift), word.end - from + shift, confidence_});
    }
    if (!segment.text.empty()) segment.text += ".";  // Whisper ends a sentence where the audio ends
    segment.end_seconds = pcm.seconds();
    segment.confidence = confidence_;
    if (!segment.words.empty()) transcript.segments.push_back(segment);
    return transcript;
  }

  Result<std::vector<LanguageGuess>> detect_language(audio::PcmView, const StopToken&) override {
    return fail(ErrorCode::kUnsupported, "words only");
  }
  EngineInfo info() const override { return {}; }

  double seconds() const { return static_cast<double>(audio_.size()) / audio::kSpeechRate; }
  std::string text() const {
    std::string all;
    for (const Word& word : words_)
      all += (all.empty() ? "" : " ") + word.text;
    return all;
  }

  std::vector<float> audio_;
  std::vector<Word> words_;
  std::mt19937 random_;
  std::string language_ = "en";
  float language_probability_ = 0.95F;
  float confidence_ = 0.9F;
  std::optional<Error> next_error_;
  bool refuse_next_ = false;
  SttRequest last_request_;
  std::size_t longest_ = 0;
  std::size_t calls_ = 0;

 private:
  void add(double length, float level) {
    std::normal_distribution<float> noise(0.0F, level);
    for (std::size_t i = 0; i < at(length); ++i)
      audio_.push_back(noise(random_));
  }
};

/// Pushes and decodes as a session does, and holds every hypothesis to what was called stable before it.
class Listener {
 public:
  explicit Listener(SttEngine& engine, StreamingOptions options = {}) : stream(engine, std::move(options)) {}

  void hear(std::span<const float> samples, std::size_t every) {
    for (std::size_t i = 0; i < samples.size(); i += kStep) {
      const auto piece = samples.subspan(i, std::min(kStep, samples.size() - i));
      ASSERT_TRUE(stream.push(piece));
      since_ += piece.size();
      if (since_ < every) continue;
      since_ = 0;
      decode(DecodeKind::kPartial);
    }
  }

  void decode(DecodeKind kind) {
    const auto now = stream.decode(kind, {});
    ASSERT_TRUE(now) << now.error().message;
    EXPECT_TRUE(now->text.starts_with(stable_)) << "'" << stable_ << "' was stable, then came '" << now->text << "'";
    ASSERT_LE(now->stable_bytes, now->text.size());
    EXPECT_GE(now->stable_bytes, stable_.size());
    if (kind != DecodeKind::kPartial) {
      EXPECT_EQ(now->stable_bytes, stable_.size()) << "only a partial moves it";
    }
    stable_ = now->text.substr(0, now->stable_bytes);
    last = *now;
  }

  StreamingTranscriber stream;
  Hypothesis last;

 private:
  std::string stable_;
  std::size_t since_ = 0;
};

std::vector<std::string> numbered(std::size_t count) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < count; ++i)
    words.push_back("w" + std::to_string(i) + "x");
  return words;
}

TEST(StreamingTranscriber, LosesAndDoublesNoWordAndTakesNothingBack) {
  for (std::size_t seed = 1; seed <= 12; ++seed) {
    WordEngine engine(seed);
    engine.say(numbered(10 + 3 * seed));
    engine.pause(0.3);
    engine.say(numbered(4));
    engine.pause(0.2);
    Listener listener(engine);
    listener.hear(engine.audio_, at(0.2 + 0.05 * static_cast<double>(seed)));
    listener.decode(DecodeKind::kFinal);
    EXPECT_EQ(text::scored_words(listener.last.text), text::scored_words(engine.text())) << seed;
    EXPECT_GT(listener.last.stable_bytes, listener.last.text.size() / 2) << seed;
    EXPECT_FALSE(listener.last.checked_whole) << seed;
  }
}

TEST(StreamingTranscriber, OnlyTheTailIsHeardAgain) {
  WordEngine engine(3);
  engine.say(numbered(60));
  engine.pause(0.2);
  Listener listener(engine);
  listener.hear(engine.audio_, at(0.4));
  EXPECT_LT(engine.longest_, at(3.5)) << "21 s were spoken";
  EXPECT_TRUE(engine.last_request_.trusted_speech);
}

TEST(StreamingTranscriber, APauseTextCoversEverythingAndIsNotHeardTwice) {
  WordEngine engine(5);
  engine.say(numbered(12));
  engine.pause(0.2);
  Listener listener(engine);
  listener.hear(std::span(engine.audio_).first(at(4.0)), at(0.4));
  listener.hear(std::span(engine.audio_).subspan(at(4.0)), at(60));
  listener.decode(DecodeKind::kPause);
  EXPECT_EQ(listener.last.text, engine.text() + ".");
  EXPECT_EQ(listener.last.heard_samples, engine.audio_.size());
  const std::size_t calls = engine.calls_;
  ASSERT_TRUE(listener.stream.push(std::vector<float>(at(0.5), 0.0F)));
  listener.decode(DecodeKind::kFinal);
  EXPECT_EQ(engine.calls_, calls) << "only silence came since";
  EXPECT_EQ(listener.last.heard_samples, listener.stream.samples());
  EXPECT_EQ(listener.last.text, engine.text() + ".");
}

TEST(StreamingTranscriber, AnUnsureFinalIsCheckedAgainstTheWhole) {
  WordEngine engine(6);
  engine.say(numbered(14));
  engine.pause(0.2);
  Listener listener(engine);
  listener.hear(std::span(engine.audio_).first(at(4.5)), at(0.4));
  listener.hear(std::span(engine.audio_).subspan(at(4.5)), at(60));
  engine.confidence_ = 0.3F;
  listener.decode(DecodeKind::kFinal);
  EXPECT_TRUE(listener.last.checked_whole);
  EXPECT_EQ(engine.longest_, engine.audio_.size());
  EXPECT_FALSE(engine.last_request_.quick);
  EXPECT_EQ(text::scored_words(listener.last.text), text::scored_words(engine.text()));
}

TEST(StreamingTranscriber, HalfAWordDoesNotDecideOnTheLanguage) {
  WordEngine engine(12);
  engine.say(numbered(8));
  Listener listener(engine);
  engine.language_ = "th";
  engine.language_probability_ = 0.95F;
  listener.hear(std::span(engine.audio_).first(at(0.8)), at(0.4));
  EXPECT_EQ(listener.last.language, "th");
  EXPECT_FALSE(listener.last.language_known);
  engine.language_ = "en";
  listener.hear(std::span(engine.audio_).subspan(at(0.8)), at(0.4));
  listener.decode(DecodeKind::kPause);
  EXPECT_EQ(listener.last.language, "en");
  EXPECT_TRUE(listener.last.language_known);
  EXPECT_EQ(text::scored_words(listener.last.text), text::scored_words(engine.text()));
}

TEST(StreamingTranscriber, ACancelledOrFailedPassLosesNothing) {
  WordEngine engine(7);
  engine.say(numbered(16));
  engine.pause(0.2);
  Listener listener(engine);
  listener.hear(std::span(engine.audio_).first(at(3.0)), at(0.4));
  StopSource source;
  source.request_stop(StopReason::kBargeIn);
  ASSERT_TRUE(listener.stream.push(std::span(engine.audio_).subspan(at(3.0))));
  EXPECT_EQ(listener.stream.decode(DecodeKind::kPause, source.token()).error().code, ErrorCode::kCancelled);
  engine.next_error_ = Error{ErrorCode::kOverloaded, "full"};
  EXPECT_EQ(listener.stream.decode(DecodeKind::kPartial, {}).error().code, ErrorCode::kOverloaded);
  listener.decode(DecodeKind::kFinal);
  EXPECT_EQ(text::scored_words(listener.last.text), text::scored_words(engine.text()));
}

TEST(StreamingTranscriber, WhatTheGuardsRefuseIsHeardOnceMoreWithMoreAround) {
  WordEngine engine(8);
  engine.say(numbered(16));
  engine.pause(0.2);
  Listener listener(engine);
  listener.hear(std::span(engine.audio_).first(at(4.0)), at(0.4));
  engine.refuse_next_ = true;
  listener.decode(DecodeKind::kPartial);
  listener.hear(std::span(engine.audio_).subspan(at(4.0)), at(60));
  engine.refuse_next_ = true;
  listener.decode(DecodeKind::kPause);
  EXPECT_EQ(text::scored_words(listener.last.text), text::scored_words(engine.text()));
}

TEST(StreamingTranscriber, TheLanguageIsDetectedOnceAndKept) {
  WordEngine engine(9);
  engine.say(numbered(10));
  engine.language_ = "de";
  engine.language_probability_ = 0.4F;
  Listener listener(engine);
  listener.hear(std::span(engine.audio_).first(at(1.2)), at(0.4));
  EXPECT_EQ(engine.last_request_.language, "") << "not yet sure";
  EXPECT_EQ(listener.last.stable_bytes, 0U) << "nothing is certain before the language is";
  engine.language_probability_ = 0.9F;
  listener.hear(std::span(engine.audio_).subspan(at(1.2)), at(0.4));
  EXPECT_EQ(engine.last_request_.language, "de");
  EXPECT_EQ(listener.last.language, "de");
  listener.stream.reset();
  EXPECT_EQ(listener.stream.samples(), 0U);
  ASSERT_TRUE(listener.stream.push(engine.audio_));
  ASSERT_TRUE(listener.stream.decode(DecodeKind::kPartial, {}));
  EXPECT_EQ(engine.last_request_.language, "de");
}

TEST(StreamingTranscriber, NothingSaidIsAnEmptyText) {
  WordEngine engine(10);
  engine.pause(3);
  Listener listener(engine);
  EXPECT_EQ(listener.stream.decode(DecodeKind::kFinal, {})->text, "");
  listener.hear(engine.audio_, at(0.4));
  listener.decode(DecodeKind::kFinal);
  EXPECT_EQ(listener.last.text, "");
  EXPECT_EQ(listener.last.confidence, 0);
}

TEST(StreamingTranscriber, TenMinutesWithoutAPauseStayBounded) {
  WordEngine engine(11);
  engine.say(numbered(1500));
  Listener listener(engine);
  const std::span<const float> audio(engine.audio_);
  listener.hear(audio.first(at(540)), at(1.0));
  EXPECT_LT(engine.longest_, at(6));
  EXPECT_GT(listener.last.stable_bytes, listener.last.text.size() * 9 / 10);
  const std::vector<float> more(at(61), 0.0F);
  const auto refused = listener.stream.push(more);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(listener.stream.samples(), at(540)) << "nothing was taken";
}

TEST(StreamingTranscriber, WithoutAgreementTheWindowIsBoundedToo) {
  WordEngine engine(12);
  engine.say(numbered(120));
  for (auto& word : engine.words_)
    word.text.clear();  // a sound that is never a word
  engine.words_.clear();
  Listener listener(engine);
  listener.hear(engine.audio_, at(0.5));
  EXPECT_LT(engine.longest_, at(14));
}

class StreamingWhisperTest : public WhisperModelTest {
 protected:
  /// With the silence that a speaker leaves behind the last word.
  static std::vector<float> spoken_clip(const std::string& name) {
    std::vector<float> samples = clip(name).samples;
    samples.insert(samples.end(), at(0.2), 0.0F);
    return samples;
  }
};

TEST_F(StreamingWhisperTest, StreamedTextIsThatOfTheWholeRecording) {
  std::size_t words = 0;
  std::size_t wrong = 0;
  std::vector<std::string> names{"jfk.wav"};
  for (const std::string& number : librivox())
    names.push_back(clip_name(number));
  for (const std::string& name : names) {
    const std::vector<float> samples = spoken_clip(name);
    const auto whole = stt_->transcribe(audio::PcmView(samples, audio::kSpeechRate), {}, {});
    ASSERT_TRUE(whole) << whole.error().message;
    Listener listener(*stt_);
    listener.hear(samples, at(0.64));
    listener.decode(DecodeKind::kFinal);
    const text::WordErrors errors = text::count_word_errors(whole->text, listener.last.text);
    words += errors.words;
    wrong += errors.edits;
    EXPECT_EQ(listener.last.language, "en");
    EXPECT_GT(listener.last.confidence, 0.5F);
    EXPECT_GT(listener.last.stable_bytes, 0U) << name;
  }
  EXPECT_GT(words, 90U);
  EXPECT_LE(wrong, 2U) << "of " << words;
}

TEST_F(StreamingWhisperTest, NoiseSaysNothing) {
  std::mt19937 generator(7);
  std::normal_distribution<float> noise(0.0F, 0.05F);
  std::vector<float> hiss(at(3));
  for (float& sample : hiss)
    sample = noise(generator);
  Listener listener(*stt_);
  listener.hear(hiss, at(0.4));
  listener.decode(DecodeKind::kFinal);
  EXPECT_EQ(listener.last.text, "");
}

TEST_F(StreamingWhisperTest, AStopEndsAPassAndTheNextOneHearsAll) {
  const std::vector<float> samples = spoken_clip("jfk.wav");
  StreamingTranscriber stream(*stt_, {"en", ""});
  ASSERT_TRUE(stream.push(samples));
  StopSource source;
  source.request_stop(StopReason::kBargeIn);
  EXPECT_EQ(stream.decode(DecodeKind::kPause, source.token()).error().code, ErrorCode::kCancelled);
  const auto heard = stream.decode(DecodeKind::kPause, {});
  ASSERT_TRUE(heard);
  EXPECT_EQ(text::scored_words(heard->text).size(), 22U);
}

}  // namespace
}  // namespace morgan::engines
