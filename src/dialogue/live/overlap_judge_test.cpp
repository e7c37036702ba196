#include "dialogue/live/overlap_judge.h"

#include <gtest/gtest.h>

#include <vector>

namespace morgan::dialogue::live {
namespace {

constexpr std::string_view kSpoken = "The capital of France is Paris, and its river is the Seine.";

struct Case {
  std::string_view text;
  Overlap expected;
  float confidence = 0.9F;
  Ms voiced = 600;
};

std::vector<Case> cases() {
  using enum Overlap;
  return {
      // Sounds, and what Whisper makes of them.
      {"", kNothing},
      {" ", kNothing},
      {".", kNothing},
      {"[coughs]", kNothing},
      {"(laughs)", kNothing},
      {"*sighs*", kNothing},
      {"[BLANK_AUDIO]", kNothing},
      {"[coughs] (sniffs)", kNothing},
      {"you", kNothing},
      {"Thank you.", kNothing, 0.4F},
      {"Thanks for watching!", kNothing},
      {"Bye.", kNothing, 0.4F},
      {"So", kNothing, 0.4F},
      {"the", kNothing, 0.4F},
      {"Uh...", kNothing, 0.3F},
      {"Huh", kBackchannel, 0.3F},
      {"Tell me", kNothing, 0.3F},
      {"Banana", kNothing, 0.9F, 100},
      // Whoever listens.
      {"Mm-hmm.", kBackchannel},
      {"mhm", kBackchannel},
      {"Mm.", kBackchannel},
      {"Hmm.", kBackchannel},
      {"Uh-huh.", kBackchannel},
      {"Yeah.", kBackchannel},
      {"Yeah, yeah.", kBackchannel},
      {"Yes.", kBackchannel},
      {"Okay.", kBackchannel},
      {"OK", kBackchannel},
      {"Right.", kBackchannel},
      {"Right, right.", kBackchannel},
      {"I see.", kBackchannel},
      {"Got it.", kBackchannel},
      {"Oh, wow!", kBackchannel},
      {"Oh really?", kBackchannel},
      {"Exactly.", kBackchannel},
      {"Sure, sure.", kBackchannel},
      {"Ah, okay.", kBackchannel},
      {"Good.", kBackchannel},
      {"Yeah, cool.", kBackchannel},
      {"Go on.", kBackchannel},
      {"Mm-hmm, mm-hmm.", kBackchannel},
      {"M-H-M.", kBackchannel},
      {"M. M. H. M.", kBackchannel},
      {"MMHum.", kBackchannel},
      {"Uh-huh, uh-huh.", kBackchannel},
      // Whoever wants the floor, in a word.
      {"Stop.", kInterruption},
      {"Stop!", kInterruption, 0.3F},
      {"Wait.", kInterruption},
      {"Wait, wait.", kInterruption},
      {"Hold on.", kInterruption},
      {"Hang on.", kInterruption},
      {"No.", kInterruption},
      {"No, no.", kInterruption},
      {"Okay, stop.", kInterruption},
      {"Yeah, no.", kInterruption},
      {"Sorry.", kInterruption},
      {"Excuse me.", kInterruption},
      {"Him?", kInterruption},
      {"Morgan.", kInterruption},
      {"Enough.", kInterruption},
      {"Be quiet.", kInterruption},
      {"Cancel that.", kInterruption},
      {"Stop", kInterruption, 0.9F, 120},
      // ... and in more.
      {"What about Germany?", kInterruption},
      {"Actually, I meant Spain.", kInterruption},
      {"Can you say that again?", kInterruption},
      {"Yes, but what is the weather like?", kInterruption},
      {"Okay, and what about tomorrow?", kInterruption},
      {"Tell me more.", kInterruption},
      {"Turn it off", kInterruption},
      {"Louder, please.", kInterruption},
      {"I see what you mean, but I wanted the other one.", kInterruption},
      {"How far is it to Paris?", kInterruption},
      {"Und was ist mit Deutschland?", kInterruption},
      {"\u7b49\u4e00\u4e0b", kInterruption},
      // Morgan's own words from a loudspeaker.
      {"The capital of France is Paris.", kEcho},
      {"of France is Paris and its river", kEcho},
      {"capital of friends is Paris", kEcho, 0.5F},
      {"and its river is the Seine", kEcho},
  };
}

Overlap judge(const Case& c, std::string_view spoken) {
  return judge_overlap({c.text, c.confidence, c.voiced, false, spoken});
}

TEST(OverlapJudge, TellsWhoWantsTheFloor) {
  for (const Case& c : cases())
    EXPECT_EQ(judge(c, kSpoken), c.expected) << '"' << c.text << '"';
  EXPECT_GE(cases().size(), 60U);
}

TEST(OverlapJudge, NobodyCanEchoWhatWasNotSaid) {
  for (const Case& c : cases()) {
    if (c.expected == Overlap::kEcho) {
      EXPECT_EQ(judge(c, ""), Overlap::kInterruption) << c.text;
      EXPECT_EQ(judge(c, "Bread is baked from flour with water."), Overlap::kInterruption) << c.text;
    } else {
      EXPECT_EQ(judge(c, ""), c.expected) << c.text;
    }
  }
}

TEST(OverlapJudge, StopIsObeyedThoughMorganSaidItToo) {
  EXPECT_EQ(judge({"Stop.", Overlap::kInterruption}, "The bus will stop here. Stop. Wait."), Overlap::kInterruption);
}

TEST(OverlapJudge, AQuestionMadeOfMorgansWordsAndNewOnesIsNoEcho) {
  EXPECT_EQ(judge({"And is Paris bigger than London or Rome?", Overlap::kInterruption}, kSpoken),
            Overlap::kInterruption);
}

}  // namespace
}  // namespace morgan::dialogue::live
