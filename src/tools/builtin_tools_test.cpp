// What the built-in tools say, over the real store.
#include "tools/tool_test_world.h"
#include "tools/units.h"

namespace morgan::tools {
namespace {

class BuiltinTools : public ToolWorld {
 protected:
  /// What is said, or "error: ...".
  std::string say(const std::string& tool, Json arguments = Json::object(), const std::string& user = "ann") {
    ToolRunner runner(registry_, {}, metrics_, [this] { return wall_; });
    const auto result = runner.run({tool, std::move(arguments)}, user, Confirmed::kNo, {});
    return result ? result->spoken : "error: " + result.error().message;
  }
};

TEST_F(BuiltinTools, TheClockSpeaksLikePeople) {
  EXPECT_EQ(say("time"), "It is ten past three.");
  EXPECT_EQ(say("time", {{"place", "Tokyo"}}), "It is ten past eleven in the evening in Tokyo.");
  EXPECT_EQ(say("time", {{"place", "Japan"}}), "It is ten past eleven in the evening in Japan.");
  EXPECT_EQ(say("time", {{"place", "Auckland"}}), "It is ten past three in the morning in Auckland, tomorrow.");
  EXPECT_EQ(say("time", {{"place", "san francisco"}}), "It is ten past seven in the morning in san francisco.");
  EXPECT_EQ(say("time", {{"place", "Nowhere"}}),
            "error: I do not know the time zone of Nowhere. Try a large city near it.");
  EXPECT_EQ(say("date"), "Today is Wednesday, March 11th.");
  EXPECT_EQ(say("date", {{"day", "tomorrow"}}), "Tomorrow is Thursday, March 12th.");
  EXPECT_EQ(say("date", {{"day", "2026-12-24"}}), "That is Thursday, December 24th, in 288 days.");
  EXPECT_EQ(say("date", {{"day", "one day"}}), "error: I do not know which day one day is.");
}

TEST_F(BuiltinTools, TheCalculatorCalculatesAndRefusesNonsense) {
  EXPECT_EQ(say("calculate", {{"expression", "17*23"}}), "That is 391.");
  EXPECT_EQ(say("calculate", {{"expression", "12% * 250"}}), "That is 30.");
  EXPECT_EQ(say("calculate", {{"expression", "10/3"}}), "That is about 3.3333.");
  EXPECT_EQ(say("calculate", {{"expression", "2**10"}}), "That is 1,024.");
  EXPECT_EQ(say("calculate", {{"expression", "sqrt(2)^2"}}), "That is 2.");
  EXPECT_EQ(say("calculate", {{"expression", "1/0"}}), "That has no result.");
  for (const char* const bad : {"2+", "two", "(1", "system(1)", "a=5;a", "\"x\""})
    EXPECT_NE(say("calculate", {{"expression", bad}}).find("error"), std::string::npos) << bad;
  EXPECT_NE(say("calculate", {{"expression", std::string(201, '1')}}).find("error"), std::string::npos);
  EXPECT_NE(say("calculate", {{"expression", std::string(100, '(') + "1" + std::string(99, ')')}}).find("error"),
            std::string::npos);
}

TEST_F(BuiltinTools, UnitsAreConverted) {
  EXPECT_EQ(say("convert", {{"amount", 5}, {"from", "mile"}, {"to", "kilometer"}}),
            "5 miles are about 8.05 kilometers.");
  EXPECT_EQ(say("convert", {{"amount", 100}, {"from", "fahrenheit"}, {"to", "celsius"}}),
            "100 degrees Fahrenheit are about 37.78 degrees Celsius.");
  EXPECT_EQ(say("convert", {{"amount", 1}, {"from", "km"}, {"to", "m"}}), "1 kilometer is 1,000 meters.");
  EXPECT_EQ(say("convert", {{"amount", 2}, {"from", "furlong"}, {"to", "m"}}), "2 furlong are about 402.34 meters.");
  EXPECT_EQ(say("convert", {{"amount", 1}, {"from", "mile"}, {"to", "kilogram"}}),
            "error: miles cannot be converted to kilograms.");
  EXPECT_EQ(say("convert", {{"amount", 1}, {"from", "smoot"}, {"to", "m"}}), "error: I do not know the unit smoot.");
}

TEST_F(BuiltinTools, EveryUnitThatIsSpokenIsKnown) {
  const std::vector<std::string> names{"yard",        "stone",         "gallon",      "quart",         "pint",
                                       "cup",         "fluid ounce",   "tablespoon",  "teaspoon",      "ounce",
                                       "ton",         "acre",          "hectare",     "knot",          "psi",
                                       "bar",         "horsepower",    "calorie",     "kilocalorie",   "kilowatt hour",
                                       "square foot", "mile per hour", "gigabyte",    "nautical mile", "week",
                                       "year",        "kelvin",        "cubic meter", "centiliter"};
  for (const std::string& name : names)
    EXPECT_TRUE(convert(1, name, name)) << name;
}

TEST_F(BuiltinTools, TimersAreSetListedAndCancelled) {
  EXPECT_EQ(say("timer_list"), "No timer is running.");
  EXPECT_EQ(say("timer_set", {{"seconds", 600}}), "The timer is set for 10 minutes.");
  pass(std::chrono::seconds(60));
  EXPECT_EQ(say("timer_list"), "9 minutes left.");
  EXPECT_EQ(say("timer_set", {{"seconds", 180}, {"label", "tea"}}), "The tea timer is set for 3 minutes.");
  EXPECT_EQ(say("timer_list"), "There are 3 minutes on the tea timer and 9 minutes on the 10 minute timer.");
  EXPECT_EQ(say("timer_cancel"), "There are 2 timers. Which one?");
  EXPECT_EQ(say("timer_cancel", {{"label", "pizza"}}), "I found no such timer.");
  EXPECT_EQ(say("timer_cancel", {{"label", "tea"}}, "bob"), "No timer is running.") << "somebody else's";
  EXPECT_EQ(say("timer_cancel", {{"label", "tea"}}), "The tea timer is cancelled.");
  EXPECT_EQ(say("timer_cancel"), "The timer is cancelled.");
  EXPECT_NE(say("timer_set", {{"seconds", 0}}).find("error"), std::string::npos);
  EXPECT_NE(say("timer_set", {{"seconds", "ten"}}).find("error"), std::string::npos);
  EXPECT_EQ(say("timer_set", {{"seconds", 40 * 86'400}}),
            "error: A timer runs for 30 days at most. A reminder can be later than that.");
}

TEST_F(BuiltinTools, RemindersAreSetForATimeOfDay) {
  EXPECT_EQ(say("reminder_set", {{"when", "tomorrow at 8"}, {"text", "call my mother"}}),
            "I will remind you tomorrow at eight o'clock in the morning.");
  EXPECT_EQ(say("reminder_set", {{"when", "half past six"}}),
            "The alarm is set for today at half past six in the evening.");
  EXPECT_EQ(
      say("reminder_list"),
      "2 reminders: an alarm, today at half past six in the evening; call your mother, tomorrow at eight o'clock in "
      "the morning.");
  EXPECT_EQ(say("reminder_set", {{"when", "soon"}}), "error: I did not understand when that should be.");
  EXPECT_EQ(say("reminder_set", {{"when", "2020-01-01T08:00:00"}}), "error: That time has passed already.");
  EXPECT_EQ(say("reminder_cancel", {{"text", "mother"}}), "The reminder is cancelled.");
  EXPECT_EQ(say("reminder_cancel", {{"all", true}}), "The reminder is cancelled.");
}

TEST_F(BuiltinTools, ATimeThatPassesIsNotChangedByTheClocksChange) {
  const auto due_in = [this](const std::string& when) {
    for (const Timer& timer : timers_->list("ann"))
      EXPECT_TRUE(timers_->cancel("ann", timer.id));
    const std::string said = say("reminder_set", {{"when", when}});
    EXPECT_EQ(said.find("error"), std::string::npos) << when << ": " << said;
    const auto set = timers_->list("ann");
    return set.empty() ? -1 : std::chrono::duration_cast<std::chrono::minutes>(set[0].due - wall_).count();
  };
  wall_ = wall_time(cctz::civil_second(2026, 3, 29, 1, 30, 0), zone_);  // at two it is three
  EXPECT_EQ(due_in("in two hours"), 120);
  EXPECT_EQ(due_in("in one day"), 23 * 60) << "the same time tomorrow";
  EXPECT_EQ(due_in("at 4 am"), 90);
  wall_ = wall_time(cctz::civil_second(2026, 10, 24, 15, 0, 0), zone_);
  EXPECT_EQ(due_in("in one day"), 25 * 60);
  EXPECT_EQ(due_in("in 24 hours"), 24 * 60);
  wall_ = wall_time(cctz::civil_second(2026, 10, 25, 1, 30, 0), zone_);  // at three it is two
  EXPECT_EQ(due_in("in 90 minutes"), 90) << "when clocks show two for the second time";
  wall_ += std::chrono::minutes(100);  // ten past two, again
  EXPECT_EQ(due_in("at 2:30 am"), 20);
}

TEST_F(BuiltinTools, ListsAreKept) {
  EXPECT_EQ(say("list_show", {{"list", "shopping"}}), "The shopping list is empty.");
  EXPECT_EQ(say("list_add", {{"list", "my shopping list"}, {"items", {"milk", "eggs", "butter"}}}),
            "I put milk, eggs and butter on the shopping list.");
  EXPECT_EQ(say("list_add", {{"items", {"Milk", "tea"}}}), "I put tea on the shopping list. Milk is already there.");
  reopen();
  EXPECT_EQ((*items_->list("list", "ann")).size(), 4U);
}

TEST_F(BuiltinTools, ListsGiveThingsBack) {
  say("list_add", {{"items", {"milk", "two eggs"}}});
  EXPECT_EQ(say("list_remove", {{"items", {"eggs"}}}), "I took two eggs off the shopping list.");
  EXPECT_EQ(say("list_remove", {{"items", {"bread"}}}), "That is not on the shopping list.");
  EXPECT_EQ(say("list_show"), "On the shopping list: milk.");
  EXPECT_EQ(say("list_show", Json::object(), "bob"), "The shopping list is empty.");
  EXPECT_EQ(say("list_clear"), "The shopping list is empty now.");
  EXPECT_NE(say("list_add", {{"items", Json::array()}}).find("error"), std::string::npos);
}

TEST_F(BuiltinTools, NotesAreKeptAndFound) {
  EXPECT_EQ(say("note_list"), "There are no notes.");
  EXPECT_EQ(say("note_add", {{"text", "my key is under the pot"}}), "I made a note.");
  say("note_add", {{"text", "The bins go out on Monday."}});
  EXPECT_EQ(say("note_list"), "You have 2 notes. Your key is under the pot. The bins go out on Monday.");
  EXPECT_EQ(say("note_list", {{"about", "the key"}}), "Your note: Your key is under the pot.");
  EXPECT_EQ(say("note_list", {{"about", "elephants"}}), "There is no note about that.");
  EXPECT_EQ(say("note_delete", {{"about", "the bins"}}), "The note is deleted.");
  EXPECT_EQ(say("note_delete", {{"all", true}}), "The note is deleted.");
}

TEST_F(BuiltinTools, WhatATurnDidToTimersCanBeTakenBack) {
  ToolRunner runner(registry_, {}, metrics_, [this] { return wall_; });
  const auto run = [&](const std::string& tool, Json arguments) {
    return runner.run({tool, std::move(arguments)}, "ann", Confirmed::kNo, {});
  };
  run("timer_set", {{"seconds", 60}})->undo();
  EXPECT_TRUE(timers_->list("ann").empty());
  ASSERT_TRUE(run("timer_set", {{"seconds", 60}, {"label", "tea"}}));
  ASSERT_TRUE(run("timer_set", {{"seconds", 90}}));
  const auto before = timers_->list("ann");
  const auto cancelled = run("timer_cancel", {{"all", true}});
  ASSERT_TRUE(cancelled && timers_->list("ann").empty());
  pass(std::chrono::seconds(30));
  cancelled->undo();
  reopen();
  const auto after = timers_->list("ann");
  ASSERT_EQ(after.size(), 2U);
  EXPECT_EQ(after[0].id, before[0].id);
  EXPECT_EQ(after[0].due, before[0].due) << "it goes on as if nothing had been";
  EXPECT_EQ(after[1].id, before[1].id);
}

TEST_F(BuiltinTools, WhatATurnKeptCanBeTakenBack) {
  ToolRunner runner(registry_, {}, metrics_, [this] { return wall_; });
  const auto run = [&](const std::string& tool, Json arguments) {
    return runner.run({tool, std::move(arguments)}, "ann", Confirmed::kNo, {});
  };
  run("note_add", {{"text", "x"}})->undo();
  EXPECT_TRUE(items_->list("note", "ann")->empty());
  ASSERT_TRUE(run("list_add", {{"items", {"milk"}}}));
  run("list_clear", Json::object())->undo();
  EXPECT_EQ(items_->list("list", "ann")->size(), 1U);
}

}  // namespace
}  // namespace morgan::tools
