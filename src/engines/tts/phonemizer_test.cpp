#include "engines/tts/phonemizer.h"

#include <future>

namespace morgan::engines {
namespace {

std::string ipa(std::string_view text, const std::string& voice = "en-us", PhonemeTies ties = PhonemeTies::kNone) {
  const auto phonemes = phonemize(text, voice, ties);
  EXPECT_TRUE(phonemes) << phonemes.error().message;
  std::string all;
  if (phonemes) {
    for (const char32_t code : phonemes->codes)
      append_code_point(all, code);
  }
  return all;
}

/// The phonemes of each word of a text, marks left out.
std::vector<std::string> ipa_of_words(std::string_view text) {
  const auto phonemes = phonemize(text, "en-us", PhonemeTies::kNone);
  EXPECT_TRUE(phonemes) << phonemes.error().message;
  std::vector<std::string> words;
  for (std::size_t i = 0; phonemes && i < phonemes->codes.size(); ++i) {
    EXPECT_GE(phonemes->words[i], phonemes->words[i > 0 ? i - 1 : 0]) << text;
    if (phonemes->codes[i] == ' ' || is_kept_mark(phonemes->codes[i])) continue;
    words.resize(std::max<std::size_t>(words.size(), phonemes->words[i] + 1));
    append_code_point(words[phonemes->words[i]], phonemes->codes[i]);
  }
  return words;
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
    EXPECT_FALSE(phonemize(text, "en-us", PhonemeTies::kNone)->has_sound()) << text;
  EXPECT_TRUE(phonemize("\U0001F600 hello \u4f60\u597d", "en-us", PhonemeTies::kNone)->has_sound());
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
  const std::u32string american = phonemize("the bath water", "en-us", PhonemeTies::kNone)->codes;
  const std::u32string british = phonemize("the bath water", "en", PhonemeTies::kNone)->codes;
  std::vector<std::future<bool>> callers;
  for (int i = 0; i < 8; ++i) {
    callers.push_back(std::async(std::launch::async, [&, british_one = i % 2 == 0] {
      for (int call = 0; call < 50; ++call) {
        const auto said = phonemize("the bath water", british_one ? "en" : "en-us", PhonemeTies::kNone);
        if (!said || said->codes != (british_one ? british : american)) return false;
      }
      return true;
    }));
  }
  for (auto& caller : callers)
    EXPECT_TRUE(caller.get());
}

TEST(Phonemizer, TellsWhichWordAPhonemeBelongsTo) {
  const auto words = ipa_of_words("Yes, the dog (my dog) barks: woof!");
  ASSERT_EQ(words.size(), 7U);
  EXPECT_EQ(words[0], ipa("Yes"));
  EXPECT_EQ(words[2], ipa("dog"));
  EXPECT_EQ(words[6], ipa("woof"));
}

TEST(Phonemizer, FindsTheWordsThatEspeakWritesTogether) {
  // "of the", "in the", "it is", "could have" and "has been" come as one.
  const auto words = ipa_of_words("The end of the road in the hills could have been out of reach of us");
  ASSERT_EQ(words.size(), 16U);
  EXPECT_EQ(words[1], "\u02c8\u025bnd");
  EXPECT_EQ(words[2], "\u028cv");
  EXPECT_TRUE(words[3] == "\u00f0\u0259" || words[3] == "\u00f0\u026a") << words[3];
  EXPECT_EQ(words[4], "\u0279\u02c8o\u028ad");
  EXPECT_EQ(words[7], "h\u02c8\u026alz");
  EXPECT_EQ(words[13], "\u0279\u02c8i\u02d0t\u0283");
  for (const std::string& word : words)
    EXPECT_FALSE(word.empty());
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
