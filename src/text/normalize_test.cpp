#include "text/normalize.h"

#include "base/strings.h"
#include "text/number_words.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace morgan::text {
namespace {

struct Case {
  std::string_view written;
  std::string_view spoken;
};

void expect_spoken(std::initializer_list<Case> cases) {
  for (const Case& c : cases)
    EXPECT_EQ(normalize_for_speech(c.written), c.spoken) << "in: " << c.written;
}

TEST(NumberToWords, CoversTheRange) {
  const std::pair<long long, std::string_view> cases[] = {
      {0, "zero"},
      {7, "seven"},
      {13, "thirteen"},
      {20, "twenty"},
      {21, "twenty one"},
      {99, "ninety nine"},
      {100, "one hundred"},
      {105, "one hundred five"},
      {999, "nine hundred ninety nine"},
      {1000, "one thousand"},
      {1001, "one thousand one"},
      {12345, "twelve thousand three hundred forty five"},
      {1000000, "one million"},
      {-42, "minus forty two"},
      {2'000'000'003, "two billion three"},
      {999'999'999'999'999,
       "nine hundred ninety nine trillion nine hundred ninety nine billion nine hundred ninety "
       "nine million nine hundred ninety nine thousand nine hundred ninety nine"}};
  for (const auto& [number, words] : cases)
    EXPECT_EQ(number_to_words(number), words);
  EXPECT_EQ(number_to_words(1'000'000'000'000'000),
            "one zero zero zero zero zero zero zero zero zero zero zero zero zero zero zero");
  EXPECT_FALSE(number_to_words(std::numeric_limits<long long>::min()).empty());
}

TEST(NumberWords, OrdinalsYearsDecades) {
  EXPECT_EQ(ordinal_to_words(1), "first");
  EXPECT_EQ(ordinal_to_words(12), "twelfth");
  EXPECT_EQ(ordinal_to_words(20), "twentieth");
  EXPECT_EQ(ordinal_to_words(43), "forty third");
  EXPECT_EQ(ordinal_to_words(100), "one hundredth");
  EXPECT_EQ(year_to_words(1999), "nineteen ninety nine");
  EXPECT_EQ(year_to_words(2000), "two thousand");
  EXPECT_EQ(year_to_words(2005), "two thousand five");
  EXPECT_EQ(year_to_words(2010), "twenty ten");
  EXPECT_EQ(year_to_words(1905), "nineteen oh five");
  EXPECT_EQ(year_to_words(1900), "nineteen hundred");
  EXPECT_EQ(decade_to_words(1990), "nineteen nineties");
  EXPECT_EQ(decade_to_words(80), "eighties");
  EXPECT_EQ(decade_to_words(2000), "two thousands");
}

TEST(NormalizeForSpeech, TheExampleOfTheHeader) {
  expect_spoken(
      {{"Dr. Smith paid $3.50 on 5/3/2024 at 10:30am.",
        "Doctor Smith paid three dollars and fifty cents on May third twenty twenty four at ten thirty AM."}});
}

TEST(NormalizeForSpeech, Cardinals) {
  expect_spoken({{"I have 5 apples.", "I have five apples."},
                 {"105", "one hundred five"},
                 {"1,234 people", "one thousand two hundred thirty four people"},
                 {"1,234,567.", "one million two hundred thirty four thousand five hundred sixty seven."},
                 {"3.14", "three point one four"},
                 {"It costs 0.05", "It costs zero point zero five"},
                 {"about .5", "about point five"},
                 {"Agent 007", "Agent zero zero seven"},
                 {"It is -5 outside", "It is minus five outside"},
                 {"\u22125", "minus five"},
                 {"a +3 bonus", "a plus three bonus"},
                 {"1500 apples", "one thousand five hundred apples"},
                 {"1200 people came", "one thousand two hundred people came"},
                 {"Room 12.", "Room twelve."},
                 {"(42)", "(forty two)"},
                 {"1, 2, 3", "one, two, three"},
                 {"12345678901234567890",
                  "one two three four five six seven eight nine zero one two three four five six "
                  "seven eight nine zero"},
                 {"50+ items", "fifty plus items"},
                 {"5x faster", "five times faster"},
                 {"10k users", "ten thousand users"},
                 {"commit 7f3a9 is fine", "commit 7f3a9 is fine"}});
}

TEST(NormalizeForSpeech, Ordinals) {
  expect_spoken({{"the 1st", "the first"},
                 {"2nd place", "second place"},
                 {"3rd", "third"},
                 {"the 21st century", "the twenty first century"},
                 {"112th", "one hundred twelfth"},
                 {"her 1,000th visit", "her one thousandth visit"}});
}

TEST(NormalizeForSpeech, YearsAndDecades) {
  expect_spoken({{"In 1999 it began.", "In nineteen ninety nine it began."},
                 {"since 2005", "since two thousand five"},
                 {"2024", "twenty twenty four"},
                 {"in 1066", "in one thousand sixty six"},
                 {"the 1990s", "the nineteen nineties"},
                 {"the 90s", "the nineties"},
                 {"the '80s", "the eighties"},
                 {"the early 2000s", "the early two thousands"},
                 {"mid-1990s", "mid nineteen nineties"},
                 {"from 1914-1918", "from nineteen fourteen to nineteen eighteen"},
                 {"wait 30s", "wait thirty seconds"},
                 {"1990\u20131995", "nineteen ninety to nineteen ninety five"}});
}

TEST(NormalizeForSpeech, Dates) {
  expect_spoken({{"2024-05-03", "May third twenty twenty four"},
                 {"on 12/25/2023.", "on December twenty fifth twenty twenty three."},
                 {"on 25/12/2023", "on December twenty fifth twenty twenty three"},
                 {"on 3.5.2024", "on May third twenty twenty four"},
                 {"5/3/24", "May third twenty twenty four"},
                 {"May 3, 2024", "May third, twenty twenty four"},
                 {"May 3rd", "May third"},
                 {"on Jan. 5 we", "on January fifth we"},
                 {"Sept. 11, 2001", "September eleventh, two thousand one"},
                 {"on 3 May 2024", "on the third of May twenty twenty four"},
                 {"the 4th of July", "the fourth of July"},
                 {"June 2020 was", "June twenty twenty was"},
                 {"May 3-5", "May third to fifth"},
                 {"2024/05/03", "May third twenty twenty four"},
                 {"since 03/2024", "since March twenty twenty four"},
                 {"2024-05-03T10:30", "May third twenty twenty four ten thirty"},
                 {"You may 3 times try", "You may three times try"}});
}

TEST(NormalizeForSpeech, Times) {
  expect_spoken({{"at 10:30", "at ten thirty"},
                 {"10:30am", "ten thirty AM"},
                 {"10:05 PM", "ten oh five PM"},
                 {"at 5pm.", "at five PM."},
                 {"at 5 p.m. today", "at five PM today"},
                 {"at 5 p.m.", "at five PM."},
                 {"at 5 p.m. The end", "at five PM. The end"},
                 {"at 12:00", "at twelve o'clock"},
                 {"at 14:00", "at fourteen hundred"},
                 {"9am-5pm", "nine AM to five PM"},
                 {"5-7pm", "five to seven PM"},
                 {"10:30-11:45", "ten thirty to eleven forty five"},
                 {"00:05:10", "five minutes and ten seconds"},
                 {"16:9", "sixteen to nine"},
                 {"I am 5", "I am five"}});
}

TEST(NormalizeForSpeech, Money) {
  expect_spoken({{"$1", "one dollar"},
                 {"$5", "five dollars"},
                 {"$3.50", "three dollars and fifty cents"},
                 {"$0.99", "ninety nine cents"},
                 {"$1.01", "one dollar and one cent"},
                 {"$1,234.56", "one thousand two hundred thirty four dollars and fifty six cents"},
                 {"\u00A33.20", "three pounds and twenty pence"},
                 {"\u20AC5", "five euros"},
                 {"5 \u20AC", "five euros"},
                 {"$3.5 million", "three point five million dollars"},
                 {"$2B", "two billion dollars"},
                 {"$5k", "five thousand dollars"},
                 {"a $5 bill", "a five dollar bill"},
                 {"a $5 million deal", "a five million dollar deal"},
                 {"$5-10", "five to ten dollars"},
                 {"$20/month", "twenty dollars per month"},
                 {"-$5", "minus five dollars"},
                 {"\u00A5500", "five hundred yen"},
                 {"\u20AC1.234,56", "one thousand two hundred thirty four euros and fifty six cents"},
                 {"$10.", "ten dollars."}});
}

TEST(NormalizeForSpeech, PercentAndUnits) {
  expect_spoken({{"5%", "five percent"},
                 {"5.5 %", "five point five percent"},
                 {"10-20%", "ten to twenty percent"},
                 {"1 km", "one kilometer"},
                 {"5km", "five kilometers"},
                 {"2.5 kg of", "two point five kilograms of"},
                 {"a 5-km run", "a five kilometer run"},
                 {"100 km/h", "one hundred kilometers per hour"},
                 {"60 mph", "sixty miles per hour"},
                 {"20\u00B0C", "twenty degrees Celsius"},
                 {"-5 \u00B0F", "minus five degrees Fahrenheit"},
                 {"90\u00B0", "ninety degrees"},
                 {"16 GB", "sixteen gigabytes"},
                 {"200ms", "two hundred milliseconds"},
                 {"3 GHz", "three gigahertz"},
                 {"5 m tall", "five meters tall"},
                 {"5 in the box", "five in the box"},
                 {"180 cm", "one hundred eighty centimeters"},
                 {"10 m\u00B2", "ten square meters"},
                 {"6'2\" tall", "six feet two inches tall"},
                 {"the km sign", "the km sign"},
                 {"1920x1080", "nineteen twenty by ten eighty"},
                 {"3-5 kg", "three to five kilograms"},
                 {"10 mi. a day", "ten miles a day"},
                 {"\u00A35 per lb", "five pounds per pound"},
                 {"5 lbs.", "five pounds."},
                 {"100 MB/s", "one hundred megabytes per second"}});
}

TEST(NormalizeForSpeech, FractionsAndRanges) {
  expect_spoken({{"1/2", "one half"},
                 {"3/4 cup", "three quarters cup"},
                 {"2/3", "two thirds"},
                 {"2 1/2", "two and a half"},
                 {"2\u00BD", "two and a half"},
                 {"1/10", "one tenth"},
                 {"10/10", "ten out of ten"},
                 {"4.5/5 stars", "four point five out of five stars"},
                 {"6/2", "six over two"},
                 {"1e-5", "one times ten to the power of minus five"},
                 {"a 50/50 chance", "a fifty fifty chance"},
                 {"24/7", "twenty four seven"},
                 {"3-5", "three to five"},
                 {"pages 10\u201312", "pages ten to twelve"},
                 {"10 - 4 = 6", "ten minus four equals six"},
                 {"a 5-year-old", "a five year-old"}});
}

TEST(NormalizeForSpeech, PhoneNumbersAndVersions) {
  expect_spoken({{"Call 555-1234.", "Call five five five, one two three four."},
                 {"(555) 123-4567", "five five five, one two three, four five six seven"},
                 {"1-800-555-1234", "one, eight zero zero, five five five, one two three four"},
                 {"+49 30 1234567", "plus four nine, three zero, one two three four five six seven"},
                 {"Tel.: 030 1234567", "telephone: zero three zero, one two three four five six seven"},
                 {"version 1.2.3", "version one point two point three"},
                 {"v2.0", "version two point zero"},
                 {"192.168.0.1", "one nine two dot one six eight dot zero dot one"}});
}

TEST(NormalizeForSpeech, Abbreviations) {
  expect_spoken({{"Mr. and Mrs. Jones", "Mister and Missus Jones"},
                 {"Prof. Lee", "Professor Lee"},
                 {"St. John lives on Main St. today", "Saint John lives on Main Street today"},
                 {"Visit St. Louis", "Visit Saint Louis"},
                 {"42 Mulholland Dr.", "forty two Mulholland Drive."},
                 {"apples, pears, etc.", "apples, pears, et cetera."},
                 {"cats vs. dogs", "cats versus dogs"},
                 {"fruit, e.g. apples", "fruit, for example apples"},
                 {"i.e., never", "that is, never"},
                 {"No. 5", "number five"},
                 {"oh no. 5 left", "oh no. five left"},
                 {"Mon.-Fri. at", "Monday-Friday at"},
                 {"No. I will not.", "No. I will not."},
                 {"Fig. 3", "figure three"},
                 {"approx. 10", "approximately ten"},
                 {"the dept. of", "the department of"},
                 {"Apple Inc. said", "Apple Incorporated said"},
                 {"J. K. Rowling", "J K Rowling"},
                 {"the U.S. army", "the U S army"},
                 {"in the U.S.", "in the U S."},
                 {"a Ph.D. in", "a P H D in"}});
}

TEST(NormalizeForSpeech, AcronymsAndNames) {
  expect_spoken({{"NASA and the FBI", "NASA and the F B I"},
                 {"the USA", "the USA"},
                 {"an API on HTTP", "an A-P I on H T T P"},
                 {"two CPUs", "two C P U's"},
                 {"the AI of the U.S.A.", "the A-I of the USA."},
                 {"ETA 5 min", "estimated time of arrival five minutes"},
                 {"two MBAs", "two MBAs"},
                 {"Room 204B", "Room two hundred four B"},
                 {"version v2.5", "version two point five"},
                 {"JOIN US NOW", "JOIN US NOW"},
                 {"MY CAT", "MY CAT"},
                 {"GPT-4", "G P T four"},
                 {"COVID-19", "COVID nineteen"},
                 {"an MP3 file", "an M P three file"},
                 {"C++ and C#", "C plus plus and C sharp"},
                 {"Chapter IV", "Chapter four"},
                 {"Henry VIII", "Henry the eighth"},
                 {"King George VI spoke", "King George the sixth spoke"},
                 {"World War II", "World War two"},
                 {"I think", "I think"},
                 {"don't", "don't"},
                 {"Zo\u00EB's caf\u00E9", "Zo\u00EB's caf\u00E9"}});
}

TEST(NormalizeForSpeech, WebAndMail) {
  expect_spoken({{"https://example.com/docs", "example dot com slash docs"},
                 {"See www.example.org.", "See w w w dot example dot org."},
                 {"mail john.doe@example.com now", "mail john dot doe at example dot com now"},
                 {"on github.io", "on github dot I O"},
                 {"open main.cpp", "open main dot C P P"},
                 {"(example.com)", "(example dot com)"},
                 {"It works.In fact", "It works.In fact"}});
}

TEST(NormalizeForSpeech, Symbols) {
  expect_spoken({{"salt & pepper", "salt and pepper"},
                 {"R&D", "R and D"},
                 {"2 + 2 = 4", "two plus two equals four"},
                 {"3 * 4", "three times four"},
                 {"3 \u00D7 4", "three by four"},
                 {"#1", "number one"},
                 {"#winning", "hashtag winning"},
                 {"meet me @ noon", "meet me at noon"},
                 {"and/or", "and or"},
                 {"w/o sugar", "without sugar"},
                 {"input/output", "input slash output"},
                 {"5 > 3", "five greater than three"},
                 {"~50", "about fifty"},
                 {"2^10", "two to the power of ten"},
                 {"Hello :)", "Hello"},
                 {"Wow!!!", "Wow!"},
                 {"Wait -- what?", "Wait \u2014 what?"},
                 {"snake_case", "snake case"},
                 {"well-known", "well-known"}});
}

TEST(NormalizeForSpeech, MarkupAndEmoji) {
  expect_spoken({{"**Bold** and *soft*.", "Bold and soft."},
                 {"# Title\nText here.", "Title. Text here."},
                 {"- one\n- two", "one. two."},
                 {"Great \U0001F389!", "Great!"},
                 {"\U0001F44D\U0001F3FD", ""},
                 {"...", ""},
                 {"", ""},
                 {"[the site](https://x.org/y)", "the site"},
                 {"line one\nline two", "line one line two"},
                 {"First\n\nSecond", "First. Second"},
                 {"a\x01"
                  "b\x7f",
                  "ab"}});
}

TEST(NormalizeForSpeech, LeavesOtherScriptsAlone) {
  expect_spoken({{"\u4F60\u597D\u3002", "\u4F60\u597D\u3002"},
                 {"\u041F\u0440\u0438\u0432\u0435\u0442, \u043C\u0438\u0440!",
                  "\u041F\u0440\u0438\u0432\u0435\u0442, \u043C\u0438\u0440!"},
                 {"na\u00EFve r\u00E9sum\u00E9", "na\u00EFve r\u00E9sum\u00E9"}});
}

TEST(NormalizeForSpeech, IsStableOnItsOwnOutput) {
  for (const std::string_view text :
       {"Dr. Smith paid $3.50 on 5/3/2024 at 10:30am.", "The U.S. has 50 states; see https://usa.gov/x?y=1.",
        "She ran 5 km in 20 min (15 km/h), i.e. fast!"}) {
    const std::string once = normalize_for_speech(text);
    EXPECT_EQ(normalize_for_speech(once), once);
  }
}

TEST(NormalizeForSpeech, AnyMixtureGivesValidText) {
  static constexpr std::string_view kParts[] = {
      "$",          "5",    "12",    "2024",    ".",     ",",      "-",      "/",       ":",      "'",         "\"",
      "(",          ")",    "[",     "]",       "*",     "_",      "#",      "@",       "+",      "=",         "%",
      "am",         "p.m.", "Dr.",   "St.",     "May",   "km",     "km/h",   "GB",      "U.S.",   "e.g.",      "NASA",
      "API",        "IV",   "King",  "http://", "a.com", "\u20AC", "\u2013", "\u00B0C", "\u00BD", "caf\u00E9", "\u4F60",
      "\U0001F600", "<b>",  "&amp;", "```",     "\n",    "\n\n",   "| a |",  "- ",      " ",      " ",         "x",
      "st",         "s",    "k",     "v",       "e",     "0",      "1,234",  "no."};
  std::mt19937 random(11);
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (std::size_t count = random() % 14; count > 0; --count)
      text += kParts[random() % std::size(kParts)];
    const std::string out = normalize_for_speech(text);
    ASSERT_TRUE(is_valid_utf8(out)) << text;
    ASSERT_EQ(out.find("  "), std::string::npos) << text;
    ASSERT_TRUE(is_valid_utf8(strip_markup(text))) << text;
  }
}

TEST(NormalizeForSpeech, EndsOnHostileText) {
  for (const char c : std::string_view("1.,-/:$'\"([{<*_`#&@+%~\\|! \n\tAaIv\xC3")) {
    const std::string text(20'000, c);
    const std::string out = normalize_for_speech(text);
    EXPECT_LT(out.size(), text.size() * 12);
  }
  std::string mixed;
  for (int i = 0; i < 5000; ++i)
    mixed += "$1.2-3/4:5'6\"[a](b)*<";
  EXPECT_FALSE(normalize_for_speech(mixed).empty());
  for (const std::string_view open : {"[a](", "[", "<a ", "![", "**", "`", "1-", "a.b", "http://", "x@"}) {
    std::string text;
    while (text.size() < 20'000)
      text += open;
    EXPECT_TRUE(is_valid_utf8(normalize_for_speech(text)));
  }
}

TEST(StripMarkup, RemovesMarksAndKeepsWords) {
  const Case cases[] = {{"**bold** __strong__ *it* _em_ ~~gone~~", "bold strong it em gone"},
                        {"## Heading ##", "Heading"},
                        {"# About C#", "About C#"},
                        {"* a\n+ b\n- c\n\u2022 d", "a\nb\nc\nd"},
                        {"- [x] done\n- [ ] open", "done\nopen"},
                        {"1. first\n2. second", "1. first\n2. second"},
                        {"> quoted\n>> twice", "quoted\ntwice"},
                        {"before\n\n---\n\nafter", "before\n\n\nafter"},
                        {"```cpp\nint x;\n```", "int x;"},
                        {"use `foo()` here", "use foo() here"},
                        {"![a cat](cat.png)", "a cat"},
                        {"[a [b] c](u(1))", "a [b] c"},
                        {"see [this][1].", "see this."},
                        {"a fact[^2].", "a fact."},
                        {"| a | b |\n|---|---|\n| 1 | 2 |", "a, b\n1, 2"},
                        {"<b>x</b><br>y &amp; z", "x y & z"},
                        {"a < b and c > d", "a < b and c > d"},
                        {"2 * 3 and 2*3", "2 * 3 and 2*3"},
                        {"snake_case_name", "snake_case_name"},
                        {"\\*not bold\\*", "*not bold*"},
                        {"a\r\nb\rc", "a\nb\nc"},
                        {"zero\u200Bwidth\uFEFF", "zerowidth"},
                        {"hi \U0001F600 there \U0001F468\u200D\U0001F469\u200D\U0001F467!", "hi there!"},
                        {"1\uFE0F\u20E3 one", "1 one"}};
  for (const Case& c : cases)
    EXPECT_EQ(strip_markup(c.written), c.spoken) << c.written;
}

}  // namespace
}  // namespace morgan::text
