#include "engines/stt/transcript_units.h"

namespace morgan::engines {
namespace {

std::vector<Unit> said(const std::string& text) {
  Transcript transcript;
  SttSegment segment;
  segment.text = text;
  segment.end_seconds = 4;
  segment.confidence = 0.5F;
  transcript.segments.push_back(segment);
  return units_of(transcript, 0);
}

std::vector<std::string> keys(const std::vector<Unit>& units) {
  std::vector<std::string> list;
  for (const Unit& unit : units)
    list.push_back(unit.key);
  return list;
}

TEST(TranscriptUnits, WordsKeepTheirSpellingAndCompareWithoutIt) {
  const auto units = said("So, my fellow Americans' don't - stop...");
  EXPECT_EQ(keys(units), (std::vector<std::string>{"so", "my", "fellow", "americans", "dont", "stop"}));
  EXPECT_EQ(text_of(units), " So, my fellow Americans' don't - stop...");
  EXPECT_EQ(units[0].text, " So,");
  EXPECT_EQ(units[4].text, " don't -");
}

TEST(TranscriptUnits, ScriptsWithoutBlanksAreCutIntoCharacters) {
  // "ni hao, shijie." in Han with its own comma and full stop; the last two words are Latin.
  const std::string text = "\u4f60\u597d\uff0c\u4e16\u754c\u3002 OK go";
  const auto units = said(text);
  EXPECT_EQ(keys(units), (std::vector<std::string>{"\u4f60", "\u597d", "\u4e16", "\u754c", "ok", "go"}));
  EXPECT_EQ(units[1].text, "\u597d\uff0c");
  EXPECT_EQ(text_of(units), text);
}

TEST(TranscriptUnits, ThaiMarksStayWithTheirLetter) {
  const auto units = said("\u0e01\u0e34\u0e19");
  ASSERT_EQ(units.size(), 2U);
  EXPECT_EQ(units[0].text, "\u0e01\u0e34");
}

TEST(TranscriptUnits, CyrillicAndArabicAreWords) {
  EXPECT_EQ(said("\u043f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440").size(), 2U);
  EXPECT_EQ(said("\u0645\u0631\u062d\u0628\u0627\u060c \u0639\u0627\u0644\u0645").size(), 2U);
}

TEST(TranscriptUnits, BrokenCharactersLoseNoByte) {
  for (const std::string& text : {std::string("a\xE4\xBD"), std::string("\xBD\xA0 b"), std::string("\xFF\xFE")}) {
    EXPECT_EQ(text_of(said(text)), " " + text);
  }
}

TEST(TranscriptUnits, PunctuationAloneSaysNothing) {
  EXPECT_TRUE(said("...").empty());
  EXPECT_TRUE(units_of({}, 0).empty());
}

TEST(TranscriptUnits, TimesComeFromTheWordsOrAreSpread) {
  Transcript transcript;
  SttSegment segment;
  segment.text = "one two";
  segment.start_seconds = 1;
  segment.end_seconds = 3;
  segment.words = {{"one", 1.1, 1.4, 0.9F}, {"two", 2.0, 2.5, 0.8F}};
  transcript.segments.push_back(segment);
  auto units = units_of(transcript, 10);
  EXPECT_DOUBLE_EQ(units[1].begin_seconds, 12.0);
  EXPECT_FLOAT_EQ(units[1].probability, 0.8F);
  transcript.segments[0].words.pop_back();
  units = units_of(transcript, 10);
  EXPECT_DOUBLE_EQ(units[0].begin_seconds, 11.0);
  EXPECT_DOUBLE_EQ(units[1].begin_seconds, 12.0);
  EXPECT_DOUBLE_EQ(units[1].end_seconds, 13.0);
}

TEST(TranscriptUnits, AgreementIgnoresHowItIsWritten) {
  EXPECT_EQ(common_units(said("Ask not, what you"), said("ask not what your")), 3U);
  EXPECT_EQ(common_units(said("a"), {}), 0U);
}

TEST(TranscriptUnits, AlignmentFindsWhereTheKnownWordsEnd) {
  const auto known = said("what your country");
  struct Case {
    const char* heard;
    std::size_t end;
    bool clean;
  };
  for (const Case& it : {Case{"what your country can do", 3, true}, Case{"your country can do", 2, true},
                         Case{"not what your country can", 4, true}, Case{"hut your country can", 3, true},
                         Case{"something else was said here", 3, false}, Case{"", 0, false}}) {
    const Alignment place = align_units(known, said(it.heard));
    if (it.clean) {
      EXPECT_EQ(place.end, it.end) << it.heard;
    }
    EXPECT_EQ(place.clean, it.clean) << it.heard;
  }
  EXPECT_EQ(align_units({}, said("first words")).end, 0U);
  EXPECT_TRUE(align_units({}, said("first words")).clean);
}

TEST(TranscriptUnits, AWordSaidTwiceIsAlignedByItsTime) {
  auto known = said("no");
  known[0].end_seconds = 1.0;
  auto heard = said("no no");
  heard[0].end_seconds = 0.4;
  heard[1].end_seconds = 1.1;
  EXPECT_EQ(align_units(known, heard).end, 1U) << "one insertion costs more than the time may be off";
}

TEST(TranscriptUnits, PunctuationAtTheEndIsMeasuredInBytes) {
  EXPECT_EQ(without_punctuation("country. "), 7U);
  EXPECT_EQ(without_punctuation("\u4e16\u754c\u3002"), 6U);
  EXPECT_EQ(without_punctuation("don't"), 5U);
  EXPECT_EQ(without_punctuation("?!"), 0U);
}

}  // namespace
}  // namespace morgan::engines
