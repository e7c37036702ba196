#include "dialogue/live/endpoint_policy.h"

#include <gtest/gtest.h>

#include <array>

namespace morgan::dialogue::live {
namespace {

constexpr std::array kEndings{TextEnding::kUnknown,  TextEnding::kOpen,     TextEnding::kDangling,
                              TextEnding::kFragment, TextEnding::kComplete, TextEnding::kQuestion,
                              TextEnding::kShort,    TextEnding::kDictation};

Ms wait(float probability, std::string_view text, const SpeakerPauses& pauses = {}) {
  return endpoint_wait(probability, ending_of(text), pauses, {});
}

TEST(EndpointPolicy, TheSurerTheModelTheShorterTheWait) {
  for (const SpeakerPauses& pauses : {SpeakerPauses{}, SpeakerPauses{300, 5}, SpeakerPauses{2'000, 50}}) {
    for (const TextEnding ending : kEndings) {
      Ms before = 100'000;
      for (int percent = 0; percent <= 100; ++percent) {
        const Ms now = endpoint_wait(static_cast<float>(percent) / 100, ending, pauses, {});
        EXPECT_LE(now, before) << "at " << percent << " %";
        before = now;
      }
    }
  }
}

TEST(EndpointPolicy, ThereIsNoCliff) {
  for (const TextEnding ending : kEndings) {
    for (int percent = 1; percent <= 100; ++percent) {
      const Ms before = endpoint_wait(static_cast<float>(percent - 1) / 100, ending, {}, {});
      const Ms now = endpoint_wait(static_cast<float>(percent) / 100, ending, {}, {});
      EXPECT_LE(before - now, 40) << "at " << percent << " %";
    }
  }
}

TEST(EndpointPolicy, EveryWaitKeepsItsLimits) {
  const EndpointLimits limits{250, 900};
  for (const TextEnding ending : kEndings) {
    for (const float probability : {-1.0F, 0.0F, 0.3F, 0.9F, 1.0F}) {
      for (const SpeakerPauses& pauses : {SpeakerPauses{}, SpeakerPauses{1, 9}, SpeakerPauses{60'000, 9}}) {
        const Ms value = endpoint_wait(probability, ending, pauses, limits);
        EXPECT_GE(value, limits.shortest);
        EXPECT_LE(value, limits.longest);
      }
    }
  }
}

TEST(EndpointPolicy, YeahYesAndNoAreAnsweredAlike) {
  // Of "Yeah." the model may be sure and of "No." not: one word is one word.
  Ms least = 100'000;
  Ms most = 0;
  for (const std::string_view text : {"Yeah.", "Yes.", "No.", "yes", "No", "Okay.", "Sure!", "Yes, please."}) {
    for (const float probability : {-1.0F, 0.02F, 0.5F, 0.98F}) {
      least = std::min(least, wait(probability, text));
      most = std::max(most, wait(probability, text));
    }
  }
  EXPECT_LE(most - least, 150);
  EXPECT_LE(most, 400);
}

struct Case {
  std::string_view text;
  TextEnding ending;
};

TEST(EndpointPolicy, TheEndOfATextSaysWhatFollows) {
  const std::array cases{
      Case{"", TextEnding::kUnknown},
      Case{"   ", TextEnding::kUnknown},
      Case{"...", TextEnding::kUnknown},
      Case{"turn on the light", TextEnding::kUnknown},
      Case{"Turn on the light.", TextEnding::kComplete},
      Case{"What is the time?", TextEnding::kQuestion},
      Case{"That is great!", TextEnding::kComplete},
      Case{"What did you do that for?", TextEnding::kQuestion},
      Case{"Who wrote it, and what is it about?", TextEnding::kQuestion},
      Case{"What is the price of?", TextEnding::kDangling},
      Case{"Is that the way to?", TextEnding::kDangling},
      Case{"I would like to buy a car and", TextEnding::kOpen},
      Case{"I would like to buy a car and.", TextEnding::kOpen},
      Case{"I was thinking that, um", TextEnding::kOpen},
      Case{"Well, I went to the", TextEnding::kOpen},
      Case{"That is what I am looking at.", TextEnding::kDangling},
      Case{"That is what I am looking at", TextEnding::kOpen},
      Case{"First, we need milk,", TextEnding::kOpen},
      Case{"I mean...", TextEnding::kOpen},
      Case{"I mean\u2026", TextEnding::kOpen},
      Case{"My name is -", TextEnding::kOpen},
      Case{"Unless to be rather cold-hearted.", TextEnding::kFragment},
      Case{"And so my fellow Americans.", TextEnding::kFragment},
      Case{"If it rains tomorrow.", TextEnding::kFragment},
      Case{"If it rains tomorrow, close the windows.", TextEnding::kComplete},
      Case{"And then turn off all the lights upstairs.", TextEnding::kComplete},
      Case{"When is the train?", TextEnding::kQuestion},
      Case{"Because", TextEnding::kOpen},
      Case{"My number is 555", TextEnding::kDictation},
      Case{"07911", TextEnding::kDictation},
      Case{"My number is 5 5 5.", TextEnding::kDictation},
      Case{"Five, five, five", TextEnding::kDictation},
      Case{"oh seven nine double one", TextEnding::kDictation},
      Case{"It is spelled S M", TextEnding::kDictation},
      Case{"My name is spelled J, O, H.", TextEnding::kDictation},
      Case{"My address is john dot at", TextEnding::kDictation},
      Case{"It is a b c at dot", TextEnding::kDictation},
      Case{"Was that in 1999?", TextEnding::kQuestion},
      Case{"Yes.", TextEnding::kShort},
      Case{"Okay, thanks.", TextEnding::kShort},
      Case{"No", TextEnding::kShort},
      Case{"Yes, I think the", TextEnding::kOpen},
      // Other languages: their marks, and no English words are seen in them.
      Case{"Wie sp\u00e4t ist es?", TextEnding::kQuestion},
      Case{"Ich m\u00f6chte einen Kaffee.", TextEnding::kComplete},
      Case{"Je voudrais,", TextEnding::kOpen},
      Case{"\u4eca\u4f55\u6642\u3067\u3059\u304b\uff1f", TextEnding::kQuestion},
      Case{"\u308f\u304b\u308a\u307e\u3057\u305f\u3002", TextEnding::kComplete},
      Case{"\u308f\u304b\u308a\u307e\u3057\u305f", TextEnding::kUnknown},
  };
  for (const Case& c : cases)
    EXPECT_EQ(ending_of(c.text), c.ending) << c.text;
}

TEST(EndpointPolicy, WhoDictatesIsGivenTime) {
  for (const std::string_view text : {"My number is 555", "It is spelled S M", "jane dot at", "Five, five, five"})
    EXPECT_GE(wait(0.9F, text), 900) << text;
}

TEST(EndpointPolicy, WhoBreaksOffIsGivenTime) {
  for (const float probability : {0.5F, 0.7F, 0.9F})
    EXPECT_GE(wait(probability, "I would like some bread and"), wait(probability, "I would like some bread.") + 200);
}

TEST(EndpointPolicy, AFullStopSaysLittleWhereTheVoiceGoesOn) {
  // From recordings with a pause in them: the model's probability after 130 ms, and the words so far.
  EXPECT_GE(wait(0.10F, "He was not."), 1'250);
  EXPECT_GE(wait(0.04F, "He was not an ill-spot."), 1'250);
  EXPECT_GE(wait(0.03F, "Had he married a more amiable woman?"), 1'200);
  EXPECT_GE(wait(0.98F, "And so my fellow Americans."), 900);
  EXPECT_GE(wait(0.98F, "Unless to be rather cold-hearted."), 900);
  // And of questions that were over.
  EXPECT_LE(wait(0.51F, "How do I get a red wine stain out of a white shirt?"), 500);
  EXPECT_LE(wait(0.70F, "Who wrote Pride and Prejudice, and what is it about?"), 320);
}

TEST(EndpointPolicy, AQuestionThatBothWitnessesTakeForWholeIsAnsweredAtOnce) {
  EXPECT_LE(wait(0.98F, "What is the time?"), 200);
}

TEST(EndpointPolicy, WithoutAModelTheWordsDecide) {
  EXPECT_LT(wait(-1, "What is the time?"), wait(-1, "what is the time"));
  EXPECT_LT(wait(-1, "what is the time"), wait(-1, "what is the time and"));
}

TEST(EndpointPolicy, AnUnsureWaitLearnsTheSpeakersPauses) {
  SpeakerPauses slow;
  SpeakerPauses quick;
  for (int i = 0; i < 10; ++i) {
    slow.add(1'000);
    quick.add(250);
  }
  EXPECT_GT(wait(0.6F, "Turn on the light.", slow), wait(0.6F, "Turn on the light.") + 30);
  EXPECT_LT(wait(0.2F, "turn on the light", quick), wait(0.2F, "turn on the light"));
  EXPECT_NEAR(static_cast<double>(wait(0.99F, "What time is it?", slow)),
              static_cast<double>(wait(0.99F, "What time is it?")), 15);
}

TEST(EndpointPolicy, TwoPausesAreNotYetASpeaker) {
  SpeakerPauses pauses;
  pauses.add(1'300);
  pauses.add(1'300);
  EXPECT_EQ(wait(0.5F, "turn on the light", pauses), wait(0.5F, "turn on the light"));
}

TEST(EndpointPolicy, TheMeanOfPausesFollowsTheNewest) {
  SpeakerPauses pauses;
  pauses.add(400);
  EXPECT_DOUBLE_EQ(pauses.mean_ms, 400);
  for (int i = 0; i < 30; ++i)
    pauses.add(800);
  EXPECT_NEAR(pauses.mean_ms, 800, 1);
  EXPECT_EQ(pauses.seen, 31);
}

}  // namespace
}  // namespace morgan::dialogue::live
