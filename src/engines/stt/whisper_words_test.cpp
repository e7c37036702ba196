#include "engines/stt/whisper_words.h"

namespace morgan::engines {
namespace {

TEST(WhisperWords, JoinsTokensAndPunctuationToWords) {
  const auto words =
      words_of({{" And", 0, 0.2, 0.9F}, {" Amer", 0.2, 0.4, 0.8F}, {"icans", 0.4, 0.9, 0.6F}, {",", 0.9, 0.9, 0.5F}});
  ASSERT_EQ(words.size(), 2U);
  EXPECT_EQ(words[0].text, "And");
  EXPECT_EQ(words[1].text, "Americans,");
  EXPECT_NEAR(words[1].start_seconds, 0.2, 1e-9);
  EXPECT_NEAR(words[1].end_seconds, 0.9, 1e-9);
  EXPECT_NEAR(words[1].probability, (0.8 + 0.6 + 0.5) / 3, 1e-6);
}

TEST(WhisperWords, JoinsCharactersThatTokensSplit) {
  const auto words = words_of({{" caf\xC3", 0, 0.2, 1}, {"\xA9", 0.2, 0.3, 1}});
  ASSERT_EQ(words.size(), 1U);
  EXPECT_EQ(words[0].text, "caf\xC3\xA9");
}

TEST(WhisperWords, TimesBecomeMonotoneInsideTheSegment) {
  SttSegment segment;
  segment.start_seconds = 1;
  segment.end_seconds = 2;
  segment.words = {{"a", 0.5, 1.5, 1}, {"b", 1.2, 1.4, 1}, {"c", 1.9, 3.0, 1}};
  fit_words(segment);
  double earliest = 1;
  for (const SttWord& word : segment.words) {
    EXPECT_GE(word.start_seconds, earliest);
    EXPECT_GE(word.end_seconds, word.start_seconds);
    EXPECT_LE(word.end_seconds, 2);
    earliest = word.end_seconds;
  }
}

}  // namespace
}  // namespace morgan::engines
