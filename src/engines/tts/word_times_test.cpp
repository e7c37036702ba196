#include "engines/tts/word_times.h"

#include "engines/tts/phonemizer.h"
#include "engines/tts/piece_planner.h"
#include "text/normalize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace morgan::engines {
namespace {

using testing::ElementsAre;

std::vector<std::uint32_t> places(std::string_view written, std::string_view spoken) {
  return written_places(words_of(written), words_of(spoken));
}

TEST(WrittenPlaces, EqualWordsHoldTheTextsTogether) {
  EXPECT_THAT(places("It costs $5, right?", "It costs five dollars, right?"), ElementsAre(0, 1, 2, 2, 3));
  EXPECT_THAT(places("Dr. Smith is in", "Doctor Smith is in"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(places("$5 million more", "five million dollars more"), ElementsAre(0, 1, 1, 2));
  EXPECT_THAT(places("- **Tea** and - milk", "Tea and milk."), ElementsAre(1, 2, 4));
}

TEST(WrittenPlaces, SharesWhatIsBetweenByLength) {
  EXPECT_THAT(places("at 10:30 5/3 yes", "at ten thirty May third yes"), ElementsAre(0, 1, 1, 2, 2, 3));
  EXPECT_THAT(places("$1,200", "one thousand two hundred dollars"), ElementsAre(0, 0, 0, 0, 0));
  EXPECT_THAT(places("& -- %", "and percent"), ElementsAre(0, 2));
}

TEST(WrittenPlaces, NothingOnEitherSideIsNoHarm) {
  EXPECT_THAT(places("", ""), ElementsAre());
  EXPECT_THAT(places("a b", ""), ElementsAre());
  EXPECT_THAT(places("", "a b"), ElementsAre(0, 0));
}

TEST(WordSpans, FollowTheFramesOfTheModel) {
  const std::vector<std::uint32_t> words{kNoWord, 0, 0, kNoWord, 1};
  const std::vector<float> frames{2, 1, 3, 2, 4};
  const auto spans = word_spans(words, frames, 1200);
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[0].begin, 200U);
  EXPECT_EQ(spans[0].end, 600U);
  EXPECT_EQ(spans[1].begin, 800U);
  EXPECT_EQ(spans[1].end, 1200U);
  const auto even = word_spans(words, {}, 1000);
  EXPECT_EQ(even[1].begin, 800U);
  EXPECT_TRUE(word_spans({}, {}, 1000).empty());
}

/// Whatever the text, however it was cut and however many of its words the model has heard: each word once, in
/// order, with times that never fall and never leave the chunk.
TEST(WordTeller, TellsEachWordOnceAndInOrder) {
  static constexpr std::string_view kParts[] = {
      "Hello,", "$5",   "$1,234.56",   "10:30",  "3.5",          "Dr.",    "e.g.",  "the",  "and",    "\u2014",
      "-",      "# ",   "\n",          "\n\n- ", "**bold**",     "`code`", "5/3",   "2024", "a",      "\U0001F600",
      "U.S.",   "100%", "x=y",         "is",     "\u4f60\u597d", "it's",   "that.", "Why?", "(yes)",  "caf\u00e9",
      "50kg",   "...",  "example.com", "one",    "hundred",      "CPU",    "1st",   "&",    "[a](b)", "five"};
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (std::size_t count = random() % 60; count > 0; --count) {
      text += kParts[random() % std::size(kParts)];
      text += ' ';
    }
    const std::string spoken = text::normalize_for_speech(text);
    const auto pieces = plan_pieces(spoken, {.first_chars = 20, .growth = 2, .max_chars = 80});
    WordTeller teller(text, spoken);
    std::vector<SpokenWord> told;
    for (std::size_t p = 0; p < pieces.size(); ++p) {
      if (random() % 10 == 0) continue;  // nothing of it could be heard
      const std::size_t next = p + 1 < pieces.size() ? pieces[p + 1].first_word : 1'000'000;
      std::vector<WordSpan> spans;
      std::size_t at = 0;
      for (std::uint32_t word = 0; word < words_of(pieces[p].text).size(); ++word) {
        if (random() % 10 == 0) continue;
        spans.push_back({word + static_cast<std::uint32_t>(pieces[p].first_word), at, at + 50});
        at += 60;
      }
      std::size_t last = 0;
      for (SpokenWord& word : teller.tell(spans, next)) {
        ASSERT_GE(word.begin_sample, last) << text;
        ASSERT_GE(word.end_sample, word.begin_sample) << text;
        ASSERT_LE(word.end_sample, at) << text;
        last = word.end_sample;
        told.push_back(std::move(word));
      }
    }
    for (SpokenWord& word : teller.rest())
      told.push_back(std::move(word));
    const auto words = words_of(text);
    ASSERT_EQ(told.size(), words.size()) << text;
    for (std::size_t i = 0; i < words.size(); ++i) {
      ASSERT_EQ(told[i].text, words[i].text) << text;
      ASSERT_EQ(told[i].text_end, words[i].end) << text;
    }
  }
}

}  // namespace
}  // namespace morgan::engines
