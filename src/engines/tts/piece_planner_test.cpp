#include "engines/tts/piece_planner.h"

namespace morgan::engines {
namespace {

std::string letters_of(std::string_view text) {
  std::string letters;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) letters += c;
  }
  return letters;
}

std::string joined(const std::vector<SpeechPiece>& pieces) {
  std::string text;
  for (const SpeechPiece& piece : pieces)
    text += piece.text;
  return text;
}

constexpr std::string_view kLong =
    "When the rain had stopped, the children ran into the garden, where the old apple tree stood, and began to look "
    "for "
    "snails under the wet leaves. They found eleven. Nobody wanted to take them home, so they made a small house of "
    "stones for them.";

TEST(PiecePlanner, KeepsEveryWordInOrder) {
  for (const std::size_t first : {10U, 24U, 40U, 200U}) {
    const auto pieces = plan_pieces(kLong, {.first_chars = first, .growth = 2, .max_chars = 120});
    EXPECT_EQ(letters_of(joined(pieces)), letters_of(kLong)) << first;
  }
}

TEST(PiecePlanner, BeginsSmallAndGrows) {
  const PlanOptions options{.first_chars = 40, .growth = 3, .max_chars = 300};
  const auto pieces = plan_pieces(kLong, options);
  ASSERT_GE(pieces.size(), 3U);
  EXPECT_LE(pieces[0].text.size(), 42U);
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    EXPECT_LE(static_cast<double>(pieces[i].text.size()), 3.2 * static_cast<double>(pieces[i - 1].text.size()) + 20)
        << i;
  }
}

TEST(PiecePlanner, NoPieceIsLongerThanItsLimit) {
  std::string words;
  for (int i = 0; i < 400; ++i)
    words += "wonderful ";
  for (const SpeechPiece& piece : plan_pieces(words, {.first_chars = 30, .growth = 10, .max_chars = 100}))
    EXPECT_LE(piece.text.size(), 104U);
}

TEST(PiecePlanner, SaysHowAPieceEnds) {
  const auto pieces = plan_pieces("In the beginning of that year, nobody knew. It was cold.",
                                  {.first_chars = 31, .growth = 3, .max_chars = 300});
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(pieces[0].end, PieceEnd::kClause);
  EXPECT_EQ(pieces[1].end, PieceEnd::kSentence);
  EXPECT_EQ(pieces[2].end, PieceEnd::kSentence);
}

TEST(PiecePlanner, SaysWhichWordAPieceBeginsWith) {
  const std::string text = "... Well, " + std::string(kLong) + " \n" + std::string(kLong);
  for (const std::size_t first : {10U, 24U, 40U}) {
    std::vector<std::string> words;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t begin = text.find_first_not_of(" \n", at);
      if (begin == std::string::npos) break;
      at = std::min(text.find_first_of(" \n", begin), text.size());
      words.push_back(text.substr(begin, at - begin));
    }
    for (const auto& piece : plan_pieces(text, {.first_chars = first, .growth = 2, .max_chars = 120}))
      EXPECT_EQ(words.at(piece.first_word), piece.text.substr(0, words.at(piece.first_word).size())) << piece.text;
  }
}

TEST(PiecePlanner, TheEndOfATextThatGoesOnEndsNoSentence) {
  const auto end_of = [](const char* text) { return plan_pieces(text, {.continues = true}).back(); };
  EXPECT_EQ(end_of("The capital of France").end, PieceEnd::kPhrase);
  EXPECT_EQ(end_of("The capital of France").text, "The capital of France,");
  EXPECT_EQ(end_of("When it rains,").end, PieceEnd::kClause);
  EXPECT_EQ(end_of("It rains.").end, PieceEnd::kSentence);
  EXPECT_EQ(plan_pieces("The capital of France", {}).back().text, "The capital of France.");
}

TEST(PiecePlanner, HasNoPieceWithoutAnythingToSay) {
  for (const char* text : {"", "   ", "...", "?! -- \"\""})
    EXPECT_TRUE(plan_pieces(text, {}).empty()) << text;
  EXPECT_EQ(plan_pieces("... hello ...", {}).size(), 1U);
}

}  // namespace
}  // namespace morgan::engines
