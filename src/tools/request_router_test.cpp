#include "tools/request_router.h"

namespace morgan::tools {
namespace {

const cctz::civil_second kNow(2026, 3, 11, 15, 10, 0);

/// "timer_set {"seconds":600}", several with "; " between, "" for none.
std::string routed(const std::string& said, long long* steps = nullptr) {
  static const RequestRouter kRouter;
  std::string text;
  for (const ToolCall& call : kRouter.route(said, kNow, steps))
    text += (text.empty() ? "" : "; ") + call.tool + " " + dump_json(call.arguments);
  return text;
}

TEST(RequestRouter, KnowsTheClock) {
  EXPECT_EQ(routed("What time is it?"), "time {}");
  EXPECT_EQ(routed("Hey Morgan, can you tell me the time please"), "time {}");
  EXPECT_EQ(routed("What's the current time in New York?"), R"(time {"place":"New York"})");
  EXPECT_EQ(routed("What day is it today?"), "date {}");
  EXPECT_EQ(routed("How many days until Friday?"), R"(date {"day":"2026-03-13"})");
}

TEST(RequestRouter, KnowsTimers) {
  EXPECT_EQ(routed("Set a timer for 5 minutes."), R"(timer_set {"seconds":300})");
  EXPECT_EQ(routed("start a tea timer for three and a half minutes"), R"(timer_set {"label":"tea","seconds":210})");
  EXPECT_EQ(routed("Give me a 2 hour timer for the roast"), R"(timer_set {"label":"roast","seconds":7200})");
  EXPECT_EQ(routed("Stop the timer"), "timer_cancel {}");
  EXPECT_EQ(routed("Cancel all timers"), R"(timer_cancel {"all":true})");
  EXPECT_EQ(routed("Cancel my tea timer"), R"(timer_cancel {"label":"tea"})");
  EXPECT_EQ(routed("Cancel the timer for ten minutes"), R"(timer_cancel {"seconds":600})") << "none is set";
  EXPECT_EQ(routed("Delete my timer for the eggs"), R"(timer_cancel {"label":"eggs"})");
  EXPECT_EQ(routed("Set a timer for a million weeks"), R"(timer_set {"seconds":316224000})") << "its tool refuses";
  EXPECT_EQ(routed("How much time is left?"), "timer_list {}");
}

TEST(RequestRouter, KnowsRemindersAndAlarms) {
  EXPECT_EQ(routed("Remind me to feed the cat at 6 p.m."),
            R"(reminder_set {"text":"feed the cat","when":"2026-03-11T18:00:00"})");
  EXPECT_EQ(routed("Tomorrow at nine remind me to call Bob"),
            R"(reminder_set {"text":"call Bob","when":"2026-03-12T09:00:00"})");
  EXPECT_EQ(routed("Remind me in two hours to feed the cat"),
            R"(reminder_set {"text":"feed the cat","when":"in two hours"})");
  EXPECT_EQ(routed("Wake me up at quarter to seven"), R"(reminder_set {"when":"2026-03-11T18:45:00"})");
  EXPECT_EQ(routed("What alarms are set?"), "reminder_list {}");
  EXPECT_EQ(routed("Delete all reminders"), R"(reminder_cancel {"all":true})");
}

TEST(RequestRouter, KnowsArithmetic) {
  EXPECT_EQ(routed("What is 6 times 7?"), R"(calculate {"expression":"6*7"})");
  EXPECT_EQ(routed("How much is fifteen percent of 80?"), R"(calculate {"expression":"15/100*80"})");
  EXPECT_EQ(routed("the square root of 81 plus 1"), R"(calculate {"expression":"sqrt(81)+1"})");
  EXPECT_EQ(routed("Divide 100 by 8"), R"(calculate {"expression":"100/8"})");
  EXPECT_EQ(routed("Subtract 5 from 12"), R"(calculate {"expression":"12-5"})");
  EXPECT_EQ(routed("Add 1, 2 and 3"), R"(calculate {"expression":"1+2+3"})");
  EXPECT_EQ(routed("What is 7?"), "") << "nothing to calculate";
  EXPECT_EQ(routed("Fifty percent."), "");
  EXPECT_EQ(routed("Minus five."), "");
  EXPECT_EQ(routed("Minus five plus 50 percent"), R"x(calculate {"expression":"(-5)+(50/100)"})x");
  EXPECT_EQ(routed("What is seven times better than this?"), "");
}

TEST(RequestRouter, KnowsUnits) {
  EXPECT_EQ(routed("Convert 10 kilometers to miles"), R"(convert {"amount":10.0,"from":"kilometer","to":"mile"})");
  EXPECT_EQ(routed("How many feet are in a mile?"), R"(convert {"amount":1.0,"from":"mile","to":"foot"})");
  EXPECT_EQ(routed("What is 20 degrees Celsius in Fahrenheit?"),
            R"(convert {"amount":20.0,"from":"degree Celsius","to":"degree Fahrenheit"})");
}

TEST(RequestRouter, KnowsListsAndNotes) {
  EXPECT_EQ(routed("Add apples and some bread to my grocery list"),
            R"(list_add {"items":["apples","bread"],"list":"grocery"})")
      << "its tool knows which list that is";
  EXPECT_EQ(routed("What's on the packing list?"), R"(list_show {"list":"packing"})");
  EXPECT_EQ(routed("Take apples off the shopping list"), R"(list_remove {"items":["apples"],"list":"shopping"})");
  EXPECT_EQ(routed("Clear the to-do list"), R"(list_clear {"list":"to-do"})");
  EXPECT_EQ(routed("Make a note that Anna's birthday is in June"), R"(note_add {"text":"Anna's birthday is in June"})");
  EXPECT_EQ(routed("Read me my notes"), "note_list {}");
}

TEST(RequestRouter, KnowsTheHouseAndTheWorldOutside) {
  EXPECT_EQ(routed("Turn on the kitchen light"), R"(home_turn {"device":"kitchen light","state":"on"})");
  EXPECT_EQ(routed("Could you switch the fan in the office off, please?"),
            R"(home_turn {"device":"office fan","state":"off"})");
  EXPECT_EQ(routed("Dim the desk lamp to 40%"), R"(home_dim {"device":"desk lamp","percent":40})");
  EXPECT_EQ(routed("Set the living room to 21 degrees"), R"(home_temperature {"degrees":21.0,"device":"living room"})");
  EXPECT_EQ(routed("Is the front door locked?"), R"(home_state {"device":"front door"})");
  EXPECT_EQ(routed("Is the light on in the kitchen?"), R"(home_state {"device":"kitchen light"})");
  EXPECT_EQ(routed("Put the light on in the kitchen"), R"(home_turn {"device":"kitchen light","state":"on"})");
  EXPECT_EQ(routed("Is the library open?"), "") << "not of this house";
  EXPECT_EQ(routed("How's the weather in Rome tomorrow?"), R"(weather {"day":"2026-03-12","place":"Rome"})");
  EXPECT_EQ(routed("What's the weather like tomorrow in Rome?"), R"(weather {"day":"2026-03-12","place":"Rome"})");
  EXPECT_EQ(routed("Search the web for cheap flights"), R"(web_search {"query":"cheap flights"})");
  EXPECT_EQ(routed("Look up train times online"), R"(web_search {"query":"train times"})");
}

TEST(RequestRouter, TwoThingsAtOnceAreTwoCalls) {
  EXPECT_EQ(routed("Turn on the desk lamp and set a timer for 5 minutes"),
            R"(home_turn {"device":"desk lamp","state":"on"}; timer_set {"seconds":300})");
}

TEST(RequestRouter, TalkIsLeftAlone) {
  for (const char* const said : {"",
                                 "   ",
                                 "...",
                                 "Hello!",
                                 "Tell me a joke.",
                                 "Time flies.",
                                 "What makes a timer tick?",
                                 "I set a timer yesterday.",
                                 "My list is long.",
                                 "The weather was lovely.",
                                 "He dozed off in the train.",
                                 "I noted that.",
                                 "What is on your mind?",
                                 "Turn",
                                 "Remind me",
                                 "Set a timer",
                                 "Who turned on the light in the hall?",
                                 "How much time is left on earth?",
                                 "Put some music on",
                                 "Don't set a timer for ten minutes",
                                 "Is there a timer for ten minutes?",
                                 "I set a timer for five minutes",
                                 "Stop asking me about the timer",
                                 "I left the light on in the kitchen",
                                 "Look up at the stars",
                                 "Search your heart",
                                 "Google is a company"})
    EXPECT_EQ(routed(said), "") << said;
}

TEST(RequestRouter, HostileLengthsCostNothing) {
  std::string text;
  for (int i = 0; i < 20'000; ++i)
    text += "add and to the list remind me ";
  long long steps = 0;
  EXPECT_EQ(routed(text, &steps), "");
  EXPECT_EQ(steps, 0) << "nobody commands in so long sentences";
  EXPECT_EQ(routed(std::string(100'000, 'a'), &steps), "");
  std::string forty;
  for (int i = 0; i < 19; ++i)
    forty += "and add ";
  EXPECT_EQ(routed(forty, &steps), "");
  std::string lists = "add ";
  for (int i = 0; i < 18; ++i)
    lists += "to the ";
  EXPECT_EQ(routed(lists + "lost", &steps), "");
  EXPECT_GT(steps, 0);
  EXPECT_LT(steps, 50'000) << "what one sentence may cost is bounded";
}

TEST(ConsentOf, UnderstandsYesAndNo) {
  for (const char* const said : {"Yes.", "yes please", "Sure!", "Okay, Morgan.", "Do it.", "Go ahead"})
    EXPECT_EQ(consent_of(said), Consent::kYes) << said;
  for (const char* const said : {"No.", "no, thank you", "Never mind.", "Don't!", "Cancel"})
    EXPECT_EQ(consent_of(said), Consent::kNo) << said;
  for (const char* const said : {"", "Yes, but why?", "no idea what time it is", "What?", "yesterday"})
    EXPECT_EQ(consent_of(said), Consent::kNeither) << said;
}

}  // namespace
}  // namespace morgan::tools
