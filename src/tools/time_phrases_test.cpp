#include "tools/time_phrases.h"

#include "tools/spoken_form.h"

namespace morgan::tools {
namespace {

/// A Wednesday afternoon.
const cctz::civil_second kNow(2026, 3, 11, 15, 10, 0);

double number(const std::string& said) {
  const auto words = words_of(said);
  const auto found = number_at(words);
  return found && found->words == words.size() ? found->value : -1;
}

double seconds(const std::string& said) {
  const auto words = words_of(said);
  const auto found = duration_at(words);
  return found && found->words == words.size() ? found->seconds : -1;
}

std::string moment(const std::string& said) {
  const auto found = read_moment(said, kNow);
  return found ? iso_text(found->at) + (found->has_time ? "" : " day") : "none";
}

TEST(SpokenWords, AreLowerCaseWithoutMarksAndKeepTheirPlace) {
  const std::string said = "What's 20% of \"Five\", Morgan?";
  std::string joined;
  for (const SpokenWord& word : words_of(said))
    joined += word.text + "|";
  EXPECT_EQ(joined, "what|is|20|%|of|five|morgan|");
  const auto words = words_of(said);
  EXPECT_EQ(said_by(said, SpokenWords(words).subspan(5, 2)), "Five\", Morgan");
  EXPECT_TRUE(words_of("  ... !? ").empty());
}

TEST(SpokenWords, PolitenessIsNoPartOfARequest) {
  const auto words = words_of("Hey Morgan, could you please stop the timer for me, thanks?");
  const SpokenWords core = without_padding(words);
  ASSERT_EQ(core.size(), 3U);
  EXPECT_EQ(core[0].text, "stop");
  EXPECT_EQ(without_padding(words_of("please")).size(), 1U) << "something is left";
}

TEST(SpokenNumbers, AreReadAsDigitsAndAsWords) {
  EXPECT_EQ(number("7"), 7);
  EXPECT_EQ(number("12.5"), 12.5);
  EXPECT_EQ(number("1,250"), 1250);
  EXPECT_EQ(number("twenty five"), 25);
  EXPECT_EQ(number("ninety-six"), 96);
  EXPECT_EQ(number("one hundred and five"), 105);
  EXPECT_EQ(number("two thousand three hundred"), 2300);
  EXPECT_EQ(number("a hundred"), 100);
  EXPECT_EQ(number("3 million"), 3e6);
  EXPECT_EQ(number("two and a half"), 2.5);
  EXPECT_DOUBLE_EQ(number("twelve point two five"), 12.25);
  EXPECT_EQ(number("minus four"), -4);
  EXPECT_EQ(number("half"), 0.5);
  EXPECT_EQ(number("a dozen"), 12);
  EXPECT_EQ(number("five six"), -1) << "two numbers";
  EXPECT_EQ(number("tea"), -1);
  EXPECT_EQ(number(""), -1);
}

TEST(SpokenDurations, AreSeconds) {
  EXPECT_EQ(seconds("ten minutes"), 600);
  EXPECT_EQ(seconds("an hour"), 3600);
  EXPECT_EQ(seconds("half an hour"), 1800);
  EXPECT_EQ(seconds("a quarter of an hour"), 900);
  EXPECT_EQ(seconds("an hour and a half"), 5400);
  EXPECT_EQ(seconds("one hour and fifteen minutes"), 4500);
  EXPECT_EQ(seconds("two and a half minutes"), 150);
  EXPECT_EQ(seconds("1 minute 30 seconds"), 90);
  EXPECT_EQ(seconds("90s"), 90);
  EXPECT_EQ(seconds("three days"), 259200);
  EXPECT_EQ(seconds("ten"), -1);
  EXPECT_EQ(seconds("minutes"), -1);
}

TEST(SpokenMoments, AreTheNextThatFit) {
  EXPECT_EQ(moment("at half past six"), "2026-03-11T18:30:00");
  EXPECT_EQ(moment("at three"), "2026-03-12T03:00:00") << "three has passed this afternoon";
  EXPECT_EQ(moment("at 3 pm"), "2026-03-12T15:00:00");
  EXPECT_EQ(moment("at 9 p.m."), "2026-03-11T21:00:00");
  EXPECT_EQ(moment("quarter to five"), "2026-03-11T16:45:00");
  EXPECT_EQ(moment("ten past four"), "2026-03-11T16:10:00");
  EXPECT_EQ(moment("17:45"), "2026-03-11T17:45:00");
  EXPECT_EQ(moment("7:30am"), "2026-03-12T07:30:00");
  EXPECT_EQ(moment("noon"), "2026-03-12T12:00:00");
  EXPECT_EQ(moment("midnight"), "2026-03-12T00:00:00");
  EXPECT_EQ(moment("eight o'clock"), "2026-03-11T20:00:00");
  EXPECT_EQ(moment("in twenty minutes"), "2026-03-11T15:30:00");
  EXPECT_EQ(moment("in two hours"), "2026-03-11T17:10:00");
}

TEST(SpokenMoments, MayBeOnAnotherDay) {
  EXPECT_EQ(moment("tomorrow at eight in the morning"), "2026-03-12T08:00:00");
  EXPECT_EQ(moment("tomorrow at 8"), "2026-03-12T08:00:00");
  EXPECT_EQ(moment("tomorrow at three"), "2026-03-12T15:00:00") << "nobody means three at night";
  EXPECT_EQ(moment("at seven tomorrow evening"), "2026-03-12T19:00:00");
  EXPECT_EQ(moment("tonight at nine"), "2026-03-11T21:00:00");
  EXPECT_EQ(moment("tonight at midnight"), "2026-03-12T00:00:00") << "the end of this day";
  EXPECT_EQ(moment("today at midnight"), "2026-03-12T00:00:00");
  EXPECT_EQ(moment("tonight at twelve"), "2026-03-12T00:00:00");
  EXPECT_EQ(moment("tonight at one"), "2026-03-12T01:00:00") << "a night goes on until morning";
  EXPECT_EQ(moment("tonight at half past five"), "2026-03-12T05:30:00");
  EXPECT_EQ(moment("tonight at six"), "2026-03-11T18:00:00");
  EXPECT_EQ(moment("on Friday at noon"), "2026-03-13T12:00:00");
  EXPECT_EQ(moment("next Wednesday at 6 pm"), "2026-03-18T18:00:00");
  EXPECT_EQ(moment("on the 5th of May at ten"), "2026-05-05T10:00:00");
  EXPECT_EQ(moment("March 3rd"), "2027-03-03T00:00:00 day");
  EXPECT_EQ(moment("the day after tomorrow"), "2026-03-13T00:00:00 day");
  EXPECT_EQ(moment("tomorrow morning"), "2026-03-12T09:00:00");
  EXPECT_EQ(moment("in three days"), "2026-03-14T15:10:00");
}

TEST(SpokenMoments, ADistanceIsDaysOfTheCalendarAndTimeThatPasses) {
  const auto ahead = [](const std::string& said) {
    const auto found = read_moment(said, kNow);
    return found && found->ahead ? std::to_string(found->ahead->days) + "d " + std::to_string(found->ahead->seconds)
                                 : "none";
  };
  EXPECT_EQ(ahead("in two hours"), "0d 7200");
  EXPECT_EQ(ahead("in three days"), "3d 0");
  EXPECT_EQ(ahead("in a week and one hour"), "7d 3600");
  EXPECT_EQ(ahead("in half a day"), "0d 43200");
  EXPECT_EQ(ahead("in a million weeks"), "3660d 0");
  EXPECT_EQ(ahead("tomorrow at noon"), "none");
}

TEST(SpokenMoments, MayBeWrittenByAProgram) {
  EXPECT_EQ(moment("2026-03-12T08:00:00"), "2026-03-12T08:00:00");
  EXPECT_EQ(moment("2026-03-12 08:00"), "2026-03-12T08:00:00");
  EXPECT_EQ(moment("2026-13-12T08:00:00"), "none");
  EXPECT_EQ(moment("2026-03-12T25:00:00"), "none");
  EXPECT_FALSE(read_moment("2026-03-12T08:00:00", kNow)->utc_offset_s);
  EXPECT_EQ(read_moment("2026-03-12T08:00:00Z", kNow)->utc_offset_s, 0);
  EXPECT_EQ(read_moment("2026-03-12T08:00:00-03:30", kNow)->utc_offset_s, -12'600);
}

TEST(SpokenMoments, OtherWordsAreNone) {
  for (const char* const said :
       {"", "banana", "at", "on", "in a minute or so", "five", "twenty", "at 99", "the 45th of May"})
    EXPECT_EQ(moment(said), "none") << said;
}

TEST(SpokenForm, TimesAreSaidAsPeopleSayThem) {
  const auto at = [](int hour, int minute) { return time_words(cctz::civil_second(2026, 3, 11, hour, minute, 0)); };
  EXPECT_EQ(at(15, 10), "ten past three");
  EXPECT_EQ(at(15, 0), "three o'clock");
  EXPECT_EQ(at(16, 45), "a quarter to five");
  EXPECT_EQ(at(11, 55), "five to twelve");
  EXPECT_EQ(at(12, 0), "noon");
  EXPECT_EQ(at(0, 0), "midnight");
  EXPECT_EQ(at(0, 30), "half past twelve");
  EXPECT_EQ(at(13, 7), "1:07");
  EXPECT_EQ(at(0, 12), "12:12");
}

TEST(SpokenForm, MomentsAreNearOrDated) {
  EXPECT_EQ(moment_words(cctz::civil_second(2026, 3, 11, 18, 30, 0), kNow), "today at half past six in the evening");
  EXPECT_EQ(moment_words(cctz::civil_second(2026, 3, 12, 8, 0, 0), kNow), "tomorrow at eight o'clock in the morning");
  EXPECT_EQ(moment_words(cctz::civil_second(2026, 3, 13, 12, 0, 0), kNow), "on Friday at noon");
  EXPECT_EQ(moment_words(cctz::civil_second(2026, 5, 2, 15, 0, 0), kNow),
            "on May 2nd at three o'clock in the afternoon");
}

TEST(SpokenForm, NumbersAndLengths) {
  EXPECT_EQ(number_words(391), "391");
  EXPECT_EQ(number_words(1234567), "1,234,567");
  EXPECT_EQ(number_words(-1234.5), "-1,234.5");
  EXPECT_EQ(number_words(10.0 / 3), "3.3333");
  EXPECT_EQ(number_words(0.1 + 0.2), "0.3");
  EXPECT_EQ(number_words(-0.0), "0");
  EXPECT_EQ(duration_words(600), "10 minutes");
  EXPECT_EQ(duration_words(4500), "1 hour and 15 minutes");
  EXPECT_EQ(duration_words(7203), "2 hours");
  EXPECT_EQ(duration_words(1), "1 second");
  EXPECT_EQ(duration_words(-5), "0 seconds");
  EXPECT_EQ(list_words(std::vector<std::string>{"milk", "eggs", "bread"}), "milk, eggs and bread");
  EXPECT_EQ(list_words(std::vector<std::string>{"red", "green", "blue"}, "or"), "red, green or blue");
  EXPECT_EQ(list_words({}), "");
}

TEST(SpokenForm, WhatAUserSaidIsTurnedRound) {
  EXPECT_EQ(to_second_person("my dog is called Rex."), "your dog is called Rex");
  EXPECT_EQ(to_second_person("I am from Oslo, and I was born there"), "you are from Oslo, and you were born there");
  EXPECT_EQ(to_second_person("I'm allergic to nuts!"), "you're allergic to nuts");
  EXPECT_EQ(to_second_person("you should call me Ada"), "I should call you Ada");
  EXPECT_EQ(to_second_person("buy thank you cards for my aunt"), "buy thank you cards for your aunt");
}

}  // namespace
}  // namespace morgan::tools
