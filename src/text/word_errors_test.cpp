#include "text/word_errors.h"

#include <gtest/gtest.h>

namespace morgan::text {
namespace {

TEST(WordErrors, CountsEditsAndLeavesPunctuationOut) {
  EXPECT_EQ(count_word_errors("Don't stop, please!", "don't stop please").edits, 0U);
  const WordErrors errors = count_word_errors("one two three four", "one to three four five");
  EXPECT_EQ(errors.edits, 2U);
  EXPECT_EQ(errors.words, 4U);
  EXPECT_DOUBLE_EQ(errors.rate(), 0.5);
  EXPECT_EQ(count_word_errors("a b", "").edits, 2U);
  EXPECT_EQ(count_word_errors("", "a b").edits, 2U);
  EXPECT_EQ(scored_words("  - Well, 3 of them. "), (std::vector<std::string>{"well", "3", "of", "them"}));
}

}  // namespace
}  // namespace morgan::text
