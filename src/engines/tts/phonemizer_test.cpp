#include "engines/tts/phonemizer.h"

#include <future>

namespace morgan::engines {
namespace {

std::string ipa(std::string_view text, const std::string& voice = "en-us", PhonemeTies ties = PhonemeTies::kNone) {
  const auto phonemes = phonemize(text, voice, ties);
  EXPECT_TRUE(phonemes) << phonemes.error().message;
  return phonemes ? *phonemes : "";
}

TEST(Phonemizer, KnowsWordsAndTheirStress) {
  EXPECT_EQ(ipa("hello"), "h\u0259l\u02c8o\u028a");
  EXPECT_NE(ipa("the record"), ipa("to record"));
}

TEST(Phonemizer, KeepsTheMarksWhereTheyAre) {
  const std::string phonemes = ipa("Yes, no; maybe: \"why\" (so)? Go!");
  std::string marks;
  for (const char32_t code : code_points(phonemes)) {
    if (is_kept_mark(code)) append_code_point(marks, code);
  }
  EXPECT_EQ(marks, ",;:\"\"()?!");
  EXPECT_LT(phonemes.find(','), phonemes.find(';'));
}

TEST(Phonemizer, TiesAffricatesWhenAsked) {
  EXPECT_NE(ipa("church", "en-us", PhonemeTies::kCaret).find("t^\u0283"), std::string::npos);
  EXPECT_EQ(ipa("church").find('^'), std::string::npos);
}

TEST(Phonemizer, TellsBritishFromAmerican) {
  EXPECT_NE(ipa("bath", "en"), ipa("bath", "en-us"));
}

TEST(Phonemizer, HasNothingToSayForMarksAndOtherScripts) {
  for (const char* text : {"", "...", " \t\n", "\U0001F600", "\u4f60\u597d", "\x01\x02"})
    EXPECT_FALSE(has_sound(ipa(text))) << text;
  EXPECT_TRUE(has_sound(ipa("\U0001F600 hello \u4f60\u597d")));
  EXPECT_EQ(ipa("\u4f60 hello"), ipa("hello"));
}

TEST(Phonemizer, NamesAVoiceThatIsNotThere) {
  const auto phonemes = phonemize("hello", "klingon-x", PhonemeTies::kNone);
  ASSERT_FALSE(phonemes);
  EXPECT_EQ(phonemes.error().code, ErrorCode::kNotFound);
  EXPECT_NE(phonemes.error().message.find("klingon-x"), std::string::npos);
  EXPECT_EQ(ipa("hello"), "h\u0259l\u02c8o\u028a");  // and goes on
}

TEST(Phonemizer, ServesCallersAtOnceEachWithItsVoice) {
  const std::string american = ipa("the bath water", "en-us");
  const std::string british = ipa("the bath water", "en");
  std::vector<std::future<bool>> callers;
  for (int i = 0; i < 8; ++i) {
    callers.push_back(std::async(std::launch::async, [&, british_one = i % 2 == 0] {
      for (int call = 0; call < 50; ++call) {
        const auto said = phonemize("the bath water", british_one ? "en" : "en-us", PhonemeTies::kNone);
        if (!said || *said != (british_one ? british : american)) return false;
      }
      return true;
    }));
  }
  for (auto& caller : callers)
    EXPECT_TRUE(caller.get());
}

TEST(CodePoints, SkipsWhatIsNoUtf8) {
  EXPECT_EQ(code_points("a\xff\u00e9"), (std::vector<char32_t>{'a', 0xE9}));
  std::string text;
  for (const char32_t code : code_points("a\u00e9\u4f60\U0001F600"))
    append_code_point(text, code);
  EXPECT_EQ(text, "a\u00e9\u4f60\U0001F600");
}

}  // namespace
}  // namespace morgan::engines
