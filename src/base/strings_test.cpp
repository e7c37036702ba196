#include "base/strings.h"

namespace morgan {
namespace {

TEST(Strings, CutsBetweenCharacters) {
  const std::string euros = "a\xE2\x82\xAC\xE2\x82\xAC";
  for (const auto& [most, left] : {std::pair{7, 7}, {6, 4}, {5, 4}, {4, 4}, {3, 1}, {1, 1}, {0, 0}, {99, 7}}) {
    std::string text = euros;
    cut_utf8(text, static_cast<std::size_t>(most));
    EXPECT_EQ(text, euros.substr(0, static_cast<std::size_t>(left))) << most;
  }
}

TEST(Strings, TrimsAndSplits) {
  EXPECT_EQ(trim("  a b \n"), "a b");
  EXPECT_EQ(trim(" \t"), "");
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), (std::vector<std::string>{""}));
}

TEST(Strings, ParsesOnlyWholeFiniteNumbers) {
  EXPECT_EQ(parse_double("1.5"), 1.5);
  for (const char* text : {"", "1.5x", "nan", "inf", " 1", "1 "})
    EXPECT_FALSE(parse_double(text)) << text;
  EXPECT_EQ(parse_integer("-7"), -7);
  for (const char* text : {"", "7.0", "99999999999999999999", "0x10"})
    EXPECT_FALSE(parse_integer(text)) << text;
}

TEST(Strings, RefusesMalformedUtf8) {
  EXPECT_TRUE(is_valid_utf8("plain \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"));
  for (const char* bytes :
       {"\xC3", "\x80", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "\xE2\x82"}) {
    EXPECT_FALSE(is_valid_utf8(bytes));
  }
}

TEST(Strings, SuggestsOnlyLikelyNames) {
  const std::vector<std::string> known{"joe", "af_heart", "am_adam"};
  EXPECT_EQ(nearest_name("af_hart", known), "af_heart");
  EXPECT_EQ(did_you_mean("AM_ADAM", known), " (did you mean 'am_adam'?)");
  EXPECT_FALSE(nearest_name("zebra", known));
}

TEST(Strings, WritesSizesForPeople) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1'400'000'000), "1.4 GB");
  EXPECT_EQ(human_bytes(999'600), "1.0 MB");
  EXPECT_EQ(human_bytes(512'000), "512 kB");
}

}  // namespace
}  // namespace morgan
