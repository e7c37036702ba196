#include "engines/stt/whisper_guards.h"

namespace morgan::engines {
namespace {

SttSegment segment_of(const std::string& text, std::size_t tokens, float log_probability, float no_speech = 0.0F) {
  SttSegment segment;
  segment.text = text;
  segment.tokens.assign(tokens, 1);
  segment.average_log_probability = log_probability;
  segment.no_speech_probability = no_speech;
  return segment;
}

TEST(WhisperGuards, LoopsAreDoubtful) {
  std::string loop;
  for (int i = 0; i < 20; ++i)
    loop += "and so my fellow americans ";
  EXPECT_GT(compression_ratio(loop), 2.4F);
  EXPECT_TRUE(has_repetition(loop));
  EXPECT_TRUE(has_repetition("no no no no"));
  EXPECT_TRUE(is_doubtful({segment_of(loop, 100, -0.2F)}, 11));
}

TEST(WhisperGuards, OrdinarySpeechIsBelieved) {
  const std::string text = "Ask not what your country can do for you, ask what you can do for your country.";
  EXPECT_FALSE(has_repetition(text));
  EXPECT_FALSE(has_repetition("no, no, no"));
  EXPECT_FALSE(is_doubtful({segment_of(text, 22, -0.3F)}, 5));
  EXPECT_FALSE(is_doubtful({}, 5));
}

TEST(WhisperGuards, UnsureOrImpossiblyDenseTextIsDoubtful) {
  EXPECT_TRUE(is_doubtful({segment_of("Some words", 2, -1.5F)}, 3));
  EXPECT_TRUE(is_doubtful({segment_of("Many different words", 90, -0.3F)}, 3));  // 24 + 14 * 3 = 66 tokens at most
}

TEST(WhisperGuards, SilenceNeedsBothSigns) {
  EXPECT_TRUE(is_silence(segment_of("Thank you.", 3, -1.4F, 0.8F)));
  EXPECT_FALSE(is_silence(segment_of("Thank you.", 3, -0.2F, 0.8F)));
  EXPECT_FALSE(is_silence(segment_of("Thank you.", 3, -1.4F, 0.2F)));
}

TEST(WhisperGuards, AnEchoIsNotSaidAgain) {
  const auto segment = [](const char* text, double start, double end) {
    SttSegment made;
    made.text = text;
    made.start_seconds = start;
    made.end_seconds = end;
    return made;
  };
  EXPECT_TRUE(is_echo(segment("Rear, left.", 1.0, 1.3), segment("Rear, left.", 0.0, 1.0)));
  EXPECT_FALSE(is_echo(segment("No.", 0.6, 1.1), segment("No.", 0.0, 0.6)));
  EXPECT_FALSE(is_echo(segment("Right.", 1.0, 1.3), segment("Rear, left.", 0.0, 1.0)));
}

}  // namespace
}  // namespace morgan::engines
