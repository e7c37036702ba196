#include "base/file.h"
#include "base/strings.h"
#include "engines/stt/whisper_test_model.h"
#include "text/word_errors.h"

#include <future>
#include <random>

namespace morgan::engines {
namespace {

namespace fs = std::filesystem;

/// Lower case, letters and digits only: what was said, not how it is written.
std::string spoken(std::string_view text) {
  std::string words;
  for (const char c : to_lower_ascii(text)) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      words += c;
    } else if (c != '\'' && !words.empty() && words.back() != ' ') {
      words += ' ';
    }
  }
  return std::string(trim(words));
}

class WhisperSttTest : public WhisperModelTest {};

TEST_F(WhisperSttTest, TranscribesARecordingWithTimesAndLanguage) {
  const audio::PcmBuffer pcm = clip("jfk.wav");
  SttRequest request;
  request.word_timestamps = true;
  const auto transcript = stt_->transcribe(pcm, request, {});
  ASSERT_TRUE(transcript) << transcript.error().message;
  EXPECT_EQ(spoken(transcript->text),
            "and so my fellow americans ask not what your country can do for you ask what you can do for your country");
  EXPECT_EQ(transcript->language, "en");
  EXPECT_GT(transcript->language_probability, 0.8F);
  EXPECT_GT(transcript->confidence, 0.7F);
  double earliest = 0;
  std::size_t words = 0;
  for (const SttSegment& segment : transcript->segments) {
    for (const SttWord& word : segment.words) {
      EXPECT_GE(word.start_seconds, earliest - 1e-9) << word.text;
      EXPECT_LE(word.end_seconds, segment.end_seconds + 1e-9);
      earliest = word.end_seconds;
      ++words;
    }
  }
  EXPECT_EQ(words, 22U);
  EXPECT_LE(earliest, pcm.seconds());
}

TEST_F(WhisperSttTest, AWordIsInTheLanguageThatIsLikely) {
  const audio::PcmBuffer pcm = clip("jfk.wav");
  const auto cut = [&pcm](double begin, double end) {
    const auto at = [](double seconds) { return static_cast<std::ptrdiff_t>(seconds * audio::kSpeechRate); };
    return audio::PcmBuffer{std::vector<float>(pcm.samples.begin() + at(begin), pcm.samples.begin() + at(end))};
  };
  SttRequest request;
  request.likely_language = "fr";
  const auto word = stt_->transcribe(cut(3.2, 4.2), request, {});
  ASSERT_TRUE(word);
  EXPECT_EQ(word->language, "fr");
  EXPECT_LT(word->language_probability, 0.5F);
  request.likely_language = "en";
  const auto ask = stt_->transcribe(cut(3.2, 4.2), request, {});
  ASSERT_TRUE(ask);
  EXPECT_EQ(ask->language, "en");
  EXPECT_TRUE(spoken(ask->text).starts_with("ask no")) << ask->text;
  // Of more than a word it is heard.
  request.likely_language = "fr";
  const auto sentence = stt_->transcribe(pcm, request, {});
  ASSERT_TRUE(sentence);
  EXPECT_EQ(sentence->language, "en");
  // And what nobody knows is not likely.
  request.likely_language = "klingon";
  EXPECT_EQ(stt_->transcribe(pcm, request, {})->language, "en");
}

TEST_F(WhisperSttTest, CutContextSaysWhatFullContextSays) {
  // What whisper-cli with the whole 30 s context writes of the same model and clips. In 0880 it hears "ill-disposed",
  // where every cut context hears "ill-sposed" (docs/adr/0003).
  const std::map<std::string, std::string> full{
      {"0870",
       "and mr john dashwood had then leisure to consider how much there might be prudently in his power to do for "
       "them"},
      {"0890", "unless to be rather cold hearted and rather selfish is to be ill disposed"},
      {"0920", "had he married a more amiable woman he might have been made still more respectable than he was"},
      {"0930", "he might even have been made amiable himself"}};
  for (const auto& [number, text] : full) {
    const auto transcript = stt_->transcribe(clip(clip_name(number)), {}, {});
    ASSERT_TRUE(transcript);
    EXPECT_EQ(spoken(transcript->text), text) << number;
  }
}

TEST_F(WhisperSttTest, HearsNothingInSilenceAndNoise) {
  std::mt19937 generator(7);
  std::normal_distribution<float> noise(0.0F, 0.05F);
  for (const double seconds : {0.05, 1.0, 12.0}) {
    audio::PcmBuffer silence{std::vector<float>(static_cast<std::size_t>(seconds * 16000), 0.0F)};
    audio::PcmBuffer hiss = silence;
    for (float& sample : hiss.samples)
      sample = noise(generator);
    for (const audio::PcmBuffer& pcm : {silence, hiss}) {
      const auto transcript = stt_->transcribe(pcm, {}, {});
      ASSERT_TRUE(transcript) << transcript.error().message;
      EXPECT_EQ(transcript->text, "");
      EXPECT_TRUE(transcript->segments.empty());
    }
  }
}

TEST_F(WhisperSttTest, WalksLongRecordingsAndReportsProgress) {
  audio::PcmBuffer joined;
  std::string said;
  for (int round = 0; round < 3; ++round) {
    for (const std::string& number : librivox()) {
      const audio::PcmBuffer part = clip(clip_name(number));
      joined.samples.insert(joined.samples.end(), part.samples.begin(), part.samples.end());
      joined.samples.insert(joined.samples.end(), 8000, 0.0F);
      said += clip_text(number) + " ";
    }
  }
  ASSERT_GT(joined.seconds(), 60);
  std::vector<double> progress;
  SttRequest request;
  request.on_progress = [&progress](double fraction) { progress.push_back(fraction); };
  const auto transcript = stt_->transcribe(joined, request, {});
  ASSERT_TRUE(transcript) << transcript.error().message;
  // A window's last sentence that is not heard is a tenth of it, a "Thank you." for each breath half of that.
  EXPECT_LE(text::count_word_errors(said, transcript->text).rate(), 0.05) << transcript->text;
  EXPECT_TRUE(std::is_sorted(progress.begin(), progress.end()));
  EXPECT_EQ(progress.back(), 1.0);
  for (std::size_t i = 1; i < transcript->segments.size(); ++i) {
    EXPECT_GE(transcript->segments[i].start_seconds, transcript->segments[i - 1].start_seconds);
  }
}

TEST_F(WhisperSttTest, ConcurrentCallersGetTheirOwnText) {
  std::vector<std::future<std::string>> calls;
  for (int i = 0; i < 4; ++i) {
    calls.push_back(std::async(std::launch::async, [i] {
      const auto transcript = stt_->transcribe(clip(clip_name(i % 2 == 0 ? "0930" : "0890")), {}, {});
      return transcript ? spoken(transcript->text) : transcript.error().message;
    }));
  }
  for (std::size_t i = 0; i < calls.size(); ++i) {
    EXPECT_NE(calls[i].get().find(i % 2 == 0 ? "amiable himself" : "selfish"), std::string::npos) << i;
  }
}

TEST_F(WhisperSttTest, StopEndsATranscription) {
  StopSource source;
  source.request_stop(StopReason::kClientGone);
  const auto transcript = stt_->transcribe(clip("jfk.wav"), {}, source.token());
  ASSERT_FALSE(transcript);
  EXPECT_EQ(transcript.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(stt_->transcribe(clip(clip_name("0930")), {}, {}));
}

TEST_F(WhisperSttTest, APassThatStopsWithinTheEncoderLeavesNothingBehind) {
  const audio::PcmBuffer pcm = clip("jfk.wav");
  SttRequest request;
  request.trusted_speech = true;  // straight to the encoder
  request.language = "en";
  const auto whole = stt_->transcribe(pcm, request, StopToken());
  ASSERT_TRUE(whole);
  for (const int ms : {5, 20, 60, 120}) {
    const StopSource source(std::chrono::steady_clock::now() + std::chrono::milliseconds(ms));
    const auto stopped = stt_->transcribe(pcm, request, source.token());
    ASSERT_FALSE(stopped) << ms;
    EXPECT_EQ(stopped.error().code, ErrorCode::kDeadlineExceeded);
    const auto again = stt_->transcribe(pcm, request, StopToken());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->text, whole->text) << ms;
  }
}

TEST_F(WhisperSttTest, UnknownLanguageIsRefusedAndFormsAreUnderstood) {
  SttRequest request;
  request.language = "klingon";
  const auto refused = stt_->transcribe(clip("jfk.wav"), request, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "LANGUAGE_NOT_SUPPORTED");
  for (const char* form : {"en", "EN", "en-US", "English", "auto"}) {
    request.language = form;
    const auto transcript = stt_->transcribe(clip(clip_name("0930")), request, {});
    ASSERT_TRUE(transcript) << form;
    EXPECT_EQ(transcript->language, "en");
  }
}

TEST_F(WhisperSttTest, DetectsTheLanguage) {
  const auto guesses = stt_->detect_language(clip("jfk.wav"), {});
  ASSERT_TRUE(guesses);
  ASSERT_EQ(guesses->size(), 5U);
  EXPECT_EQ(guesses->front().language, "en");
  EXPECT_GT(guesses->front().probability, (*guesses)[1].probability);
}

TEST(WhisperStt, DamagedModelsAreErrors) {
  const fs::path file = fs::temp_directory_path() / ("morgan-whisper-" + std::to_string(::getpid()) + ".bin");
  EXPECT_EQ(load_whisper({file, "x", 1}, nullptr).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(write_file_atomically(file, std::string(5000, 'x')));
  EXPECT_EQ(load_whisper({file, "x", 1}, nullptr).error().code, ErrorCode::kCorrupt);
  fs::remove(file);
}

}  // namespace
}  // namespace morgan::engines
