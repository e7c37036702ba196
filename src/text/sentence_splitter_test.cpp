#include "text/sentence_splitter.h"

#include "base/strings.h"
#include "text/utf8.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace morgan::text {
namespace {

using testing::ElementsAre;
using Pieces = std::vector<std::string>;

Pieces whole_sentences(std::string_view text) {
  return split_sentences(text, {.first_clause_chars = 0});
}

Pieces streamed(std::string_view text, const SplitOptions& options, std::mt19937& random, std::size_t most) {
  StreamingSplitter splitter(options);
  Pieces out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    for (std::size_t count = random() % most + 1; count > 0 && end < text.size(); --count) {
      end += character_at(text, end).size;
    }
    for (auto& piece : splitter.push(text.substr(at, end - at)))
      out.push_back(std::move(piece));
    at = end;
  }
  for (auto& piece : splitter.finish())
    out.push_back(std::move(piece));
  return out;
}

std::string without_blanks(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (c.code != 0x3000 && c.code != 0xA0 && !(c.code < 0x80 && is_blank(static_cast<char>(c.code)))) {
      out += text.substr(at, c.size);
    }
    at += c.size;
  }
  return out;
}

TEST(SplitSentences, CutsAtFullStops) {
  EXPECT_THAT(whole_sentences("Hello there. How are you? Fine! Good"),
              ElementsAre("Hello there.", "How are you?", "Fine!", "Good"));
  EXPECT_THAT(whole_sentences("What?! Really..."), ElementsAre("What?!", "Really..."));
}

TEST(SplitSentences, KnowsAbbreviations) {
  EXPECT_THAT(whole_sentences("Dr. Smith met Mrs. Jones. They talked."),
              ElementsAre("Dr. Smith met Mrs. Jones.", "They talked."));
  EXPECT_THAT(whole_sentences("Fruit, e.g. apples, i.e. food. Yes."),
              ElementsAre("Fruit, e.g. apples, i.e. food.", "Yes."));
  EXPECT_THAT(whole_sentences("The U.S. Army came. He left the U.S. The end."),
              ElementsAre("The U.S. Army came.", "He left the U.S.", "The end."));
  EXPECT_THAT(whole_sentences("Meet at 10 a.m. Monday. We start at 5 p.m. The show begins."),
              ElementsAre("Meet at 10 a.m. Monday.", "We start at 5 p.m.", "The show begins."));
  EXPECT_THAT(whole_sentences("Pens, paper, etc. Then we go."), ElementsAre("Pens, paper, etc.", "Then we go."));
  EXPECT_THAT(whole_sentences("See No. 5 now. No. Not that."), ElementsAre("See No. 5 now.", "No.", "Not that."));
}

TEST(SplitSentences, KnowsInitialsAndNumbers) {
  EXPECT_THAT(whole_sentences("J. K. Rowling wrote it. Pi is 3.14 or so. It costs $5. Next."),
              ElementsAre("J. K. Rowling wrote it.", "Pi is 3.14 or so.", "It costs $5.", "Next."));
  EXPECT_THAT(whole_sentences("Go to example.com today. Version 1.2.3 is out."),
              ElementsAre("Go to example.com today.", "Version 1.2.3 is out."));
}

TEST(SplitSentences, KnowsQuotesAndEllipses) {
  EXPECT_THAT(whole_sentences("\"Stop.\" He ran. \"Why?\" she asked. (He knew.) Done."),
              ElementsAre("\"Stop.\"", "He ran.", "\"Why?\" she asked.", "(He knew.)", "Done."));
  EXPECT_THAT(whole_sentences("Well... maybe. So\u2026 Then."), ElementsAre("Well... maybe.", "So\u2026", "Then."));
  EXPECT_THAT(whole_sentences("He said \u201CGo.\u201D Then left."),
              ElementsAre("He said \u201CGo.\u201D", "Then left."));
}

TEST(SplitSentences, CutsListsAndParagraphs) {
  EXPECT_THAT(whole_sentences("Items:\n- one\n- two\n\nEnd"), ElementsAre("Items:", "- one", "- two", "End"));
  EXPECT_THAT(whole_sentences("1. First thing\n2. Second thing"), ElementsAre("1. First thing", "2. Second thing"));
  EXPECT_THAT(whole_sentences("# Title\nText goes on"), ElementsAre("# Title", "Text goes on"));
  EXPECT_THAT(whole_sentences("a wrapped line goes on\nhere without a stop"),
              ElementsAre("a wrapped line goes on\nhere without a stop"));
}

TEST(SplitSentences, KnowsCjk) {
  EXPECT_THAT(whole_sentences("\u4F60\u597D\u3002\u518D\u89C1\uFF01\u597D\uFF1F"),
              ElementsAre("\u4F60\u597D\u3002", "\u518D\u89C1\uFF01", "\u597D\uFF1F"));
}

TEST(SplitSentences, FirstPieceMayEndAtAClause) {
  EXPECT_THAT(
      split_sentences("When the rain had stopped at last, we went out, and walked. Then home, slowly, we went."),
      ElementsAre("When the rain had stopped at last,", "we went out, and walked.", "Then home, slowly, we went."));
  EXPECT_THAT(split_sentences("Yes, of course. No."), ElementsAre("Yes, of course.", "No."));
  EXPECT_THAT(split_sentences("There are 1,000,000 reasons for 10:30 trains."),
              ElementsAre("There are 1,000,000 reasons for 10:30 trains."));
}

TEST(SplitSentences, SymbolsGoToTheirNeighbours) {
  EXPECT_THAT(whole_sentences("Great! \U0001F389 Next one. \U0001F44D"),
              ElementsAre("Great! \U0001F389", "Next one. \U0001F44D"));
  EXPECT_THAT(whole_sentences("--- Hello. *** Bye."), ElementsAre("--- Hello.", "*** Bye."));
  EXPECT_THAT(whole_sentences("He left. \"Why?\" Nobody knew."), ElementsAre("He left.", "\"Why?\"", "Nobody knew."));
}

TEST(SplitSentences, EmptyForTextWithoutWords) {
  EXPECT_THAT(split_sentences(""), ElementsAre());
  EXPECT_THAT(split_sentences(" \n\t"), ElementsAre());
  EXPECT_THAT(split_sentences("... !!! \U0001F600 ---"), ElementsAre());
}

TEST(SplitSentences, CutsLongPiecesAtBlanks) {
  std::string text;
  for (int i = 0; i < 200; ++i)
    text += "word ";
  for (const auto& piece : whole_sentences(text)) {
    EXPECT_LE(piece.size(), 300U);
    EXPECT_TRUE(piece.starts_with("word") && piece.ends_with("word"));
  }
  const std::string unbroken(1000, 'x');
  EXPECT_EQ(whole_sentences(unbroken).size(), 4U);
  std::string cjk;
  for (int i = 0; i < 700; ++i)
    cjk += "\u6F22";
  for (const auto& piece : whole_sentences(cjk)) {
    EXPECT_TRUE(is_valid_utf8(piece));
    EXPECT_LE(count_characters(piece), 300U);
  }
}

TEST(StreamingSplitter, GivesASentenceAsSoonAsTheNextBegins) {
  StreamingSplitter splitter({.first_clause_chars = 0});
  EXPECT_THAT(splitter.push("It rains"), ElementsAre());
  EXPECT_THAT(splitter.push("."), ElementsAre());
  EXPECT_THAT(splitter.push(" We"), ElementsAre("It rains."));
  EXPECT_THAT(splitter.push(" stay at 3"), ElementsAre());
  EXPECT_THAT(splitter.push(".5. "), ElementsAre());
  EXPECT_THAT(splitter.push("Good"), ElementsAre("We stay at 3.5."));
  EXPECT_THAT(splitter.finish(), ElementsAre("Good"));
  EXPECT_THAT(splitter.finish(), ElementsAre());
}

constexpr SplitOptions kEager{.first_clause_chars = 24, .max_chars = 300, .eager = true};

TEST(EagerSplit, TheFirstWordsEndBeforeAPhrase) {
  EXPECT_THAT(split_sentences("The capital of France is Paris, which lies on the Seine.", kEager),
              ElementsAre("The capital of France", "is Paris, which lies on the Seine."));
  EXPECT_THAT(split_sentences("Photosynthesis converts sunlight into chemical energy.", kEager),
              ElementsAre("Photosynthesis converts sunlight", "into chemical energy."));
  EXPECT_THAT(split_sentences("You should always keep your receipts because shops ask for them.", kEager),
              ElementsAre("You should always keep your receipts", "because shops ask for them."));
}

TEST(EagerSplit, TheFirstWordsEndAtAMark) {
  EXPECT_THAT(split_sentences("Of course, I can help you with that today.", kEager),
              ElementsAre("Of course,", "I can help you with that today."));
  EXPECT_THAT(split_sentences("Sure thing - here it is for you.", kEager),
              ElementsAre("Sure thing -", "here it is for you."));
  EXPECT_THAT(split_sentences("\"Let it be,\" he said, was the best of their songs.", kEager),
              ElementsAre("\"Let it be,\"", "he said, was the best of their songs."));
  EXPECT_THAT(split_sentences("Well... maybe we could go there tomorrow.", kEager),
              ElementsAre("Well... maybe we could go there tomorrow."));
}

TEST(EagerSplit, WithoutAPlaceItEndsBetweenWordsThatDoNotBelongTogether) {
  EXPECT_THAT(split_sentences("Many young people nowadays really enjoy playing football outdoors together.", kEager),
              ElementsAre("Many young people nowadays really enjoy", "playing football outdoors together."));
  // Not within a name, nor behind an article.
  EXPECT_THAT(split_sentences("Yesterday evening our good friend Charles Lindbergh Junior arrived here again.", kEager),
              ElementsAre("Yesterday evening our good friend Charles Lindbergh Junior", "arrived here again."));
  EXPECT_THAT(split_sentences("This is one of the most beautiful old cities anywhere.", kEager),
              ElementsAre("This is one of the most beautiful", "old cities anywhere."));
}

TEST(EagerSplit, ShortSentencesStayWhole) {
  for (const char* text : {"It rains today.", "Nice to meet you!", "You can ask.", "Paris.", "I would like that."})
    EXPECT_THAT(split_sentences(text, kEager), ElementsAre(text));
}

TEST(EagerSplit, PiecesGrowToSentences) {
  EXPECT_THAT(
      split_sentences("The capital of France is Paris, and it lies on the river Seine in the north of the country, not "
                      "far from the sea. The city was founded more than two thousand years ago by people who "
                      "were called Parisii, if I remember correctly.",
                      kEager),
      ElementsAre("The capital of France", "is Paris, and it lies on the river Seine in the north of the country,",
                  "not far from the sea.",
                  "The city was founded more than two thousand years ago by people who were called Parisii,",
                  "if I remember correctly."));
}

TEST(EagerSplit, KeepsNumbersAbbreviationsAndMarkupWhole) {
  EXPECT_THAT(split_sentences("It costs exactly $1,000 for 3.5 hours at 10:30 on Monday.", kEager),
              ElementsAre("It costs exactly $1,000 for 3.5 hours", "at 10:30 on Monday."));
  EXPECT_THAT(split_sentences("Yesterday the famous Dr. Smith met 12 of his friends outside.", kEager),
              ElementsAre("Yesterday the famous Dr. Smith met", "12 of his friends outside."));
  EXPECT_THAT(
      split_sentences("Please read [the page on how to install it](http://a.b/c) before you begin here.", kEager),
      ElementsAre("Please read [the page on how to install it](http://a.b/c)", "before you begin here."));
  EXPECT_THAT(split_sentences("You can call `list of (a, b) in c` from anywhere you like.", kEager),
              ElementsAre("You can call `list of (a, b) in c`", "from anywhere you like."));
  EXPECT_THAT(split_sentences("1. Open the big door with care.\n2. Close it.", kEager),
              ElementsAre("1. Open the big door", "with care.", "2. Close it."));
  EXPECT_THAT(split_sentences("**Note:** the big door is closed now.", kEager),
              ElementsAre("**Note:** the big door", "is closed now."));
}

TEST(EagerSplit, KnowsCjk) {
  EXPECT_THAT(split_sentences("\u4F60\u597D\u4F60\u597D\uFF0C\u518D\u89C1\u518D\u89C1\u3002\u597D\u3002", kEager),
              ElementsAre("\u4F60\u597D\u4F60\u597D\uFF0C", "\u518D\u89C1\u518D\u89C1\u3002", "\u597D\u3002"));
}

/// What makes it worth having: whatever a model writes, its first words are a piece by the time that twelve and
/// a blank are there, unless they are within a link, code or a run of abbreviations.
TEST(EagerSplit, TheFirstPieceNeverWaitsForLong) {
  static constexpr std::string_view kWords[] = {"the",    "of",   "France", "and",   "which", "beautiful", "is",
                                                "Paris,", "very", "music",  "Anna",  "with",  "3.5",       "$1,000",
                                                "10:30",  "a",    "people", "often", "sing",  "loudly"};
  std::mt19937 random(11);
  for (int round = 0; round < 2000; ++round) {
    StreamingSplitter splitter(kEager);
    std::size_t words = 0;
    std::vector<std::string> pieces;
    for (; pieces.empty(); ++words) {
      ASSERT_LT(words, 13U);
      pieces = splitter.push(std::string(kWords[random() % std::size(kWords)]) + " ");
    }
    EXPECT_GE(std::count(pieces[0].begin(), pieces[0].end(), ' '), 1) << pieces[0];
  }
}

/// Any chunking of a text gives the same pieces, and the pieces hold the whole text.
TEST(StreamingSplitter, ChunkingNeverChangesThePieces) {
  static constexpr std::string_view kParts[] = {
      "Hello",  "Dr",     ".",      ".",          ".",         "!",      "?",      "...",     "\u2026",
      " ",      " ",      " ",      "\n",         "\n\n",      ",",      ":",      ";",       "e.g.",
      "U.S.",   "The",    "the",    "He",         "3.14",      "1",      "5",      "No.",     "J",
      "\"",     "'",      ")",      "(",          "- ",        "* ",     "# ",     "\u2014",  "\u4F60\u597D",
      "\u3002", "\uFF01", "\u300D", "\U0001F600", "caf\u00E9", "\u201C", "\u201D", "```",     "etc.",
      "p.m.",   "St.",    "|",      ">",          "Inc.",      "a",      "with",   "because", "France",
      "is",     "[",      "](",     "`",          "-",         "I",      "\u3000", "\u2022"};
  std::mt19937 random(20240503);
  for (int round = 0; round < 4000; ++round) {
    std::string text;
    const std::size_t count = random() % 60;
    for (std::size_t i = 0; i < count; ++i) {
      text += kParts[random() % std::size(kParts)];
      if (random() % 2 == 0) text += ' ';
    }
    const SplitOptions options{.first_clause_chars = random() % 3 == 0 ? 0 : random() % 30,
                               .max_chars = random() % 3 == 0 ? 300 : 10 + random() % 60,
                               .eager = random() % 2 == 0};
    const Pieces expected = split_sentences(text, options);
    for (const std::size_t most : {1U, 3U, 12U})
      ASSERT_EQ(streamed(text, options, random, most), expected) << text;
    const bool has_word = !expected.empty();
    if (has_word) {
      ASSERT_EQ(without_blanks(join(expected, " ")), without_blanks(text)) << text;
    }
    for (const auto& piece : expected) {
      ASSERT_TRUE(is_valid_utf8(piece));
      ASSERT_FALSE(split_sentences(piece, {.first_clause_chars = 0}).empty()) << piece;
    }
  }
}

TEST(StreamingSplitter, StaysFastOnHostileText) {
  for (const std::string_view unit : {".", "x", ". ", "x. ", "\n", "\"", "Dr. ", "1. ", "- "}) {
    StreamingSplitter splitter;
    static_cast<void>(splitter.push("start."));
    std::size_t bytes = 0;
    for (int i = 0; i < 20'000; ++i) {
      for (const auto& piece : splitter.push(unit))
        bytes += piece.size();
    }
    for (const auto& piece : splitter.finish())
      bytes += piece.size();
    EXPECT_LE(bytes, unit.size() * 20'000 + std::string_view("start.").size());
  }
}

}  // namespace
}  // namespace morgan::text
