#include "dialogue/prompt.h"

namespace morgan::dialogue {
namespace {

using stores::StoredMessage;

std::string numbered(int number) {
  std::string text = "m";
  text += std::to_string(number);
  return text;
}

/// The first `count` messages of a conversation in which user and assistant take turns.
std::vector<StoredMessage> alternating(int count) {
  std::vector<StoredMessage> messages;
  for (int i = 1; i <= count; ++i) {
    messages.push_back({i % 2 == 1 ? "user" : "assistant", numbered(i), "", i, "{}"});
  }
  return messages;
}

std::string printed(const std::vector<engines::ChatMessage>& prompt) {
  std::string text;
  for (const auto& message : prompt)
    text += "[" + message.role + "]" + message.content;
  return text;
}

TEST(Prompt, IsSystemPromptHistoryAndQuestion) {
  EXPECT_EQ(printed(build_prompt({"S", 20, 0}, alternating(3), 3, "m3")), "[system]S[user]m1[assistant]m2[user]m3");
  EXPECT_EQ(printed(build_prompt({"", 20, 0}, {}, 1, "hi")), "[user]hi");
  EXPECT_EQ(printed(build_prompt({"S", 0, 0}, alternating(5), 5, "m5")), "[system]S[user]m5");
}

TEST(Prompt, BeginsWithAUserMessageAndHasNoOtherRoles) {
  std::vector<StoredMessage> history{{"assistant", "welcome", "", 1, "{}"},
                                     {"tool", "42", "", 2, "{}"},
                                     {"user", "a", "", 3, "{}"},
                                     {"system", "x", "", 4, "{}"},
                                     {"assistant", "b", "", 5, "{}"}};
  EXPECT_EQ(printed(build_prompt({"S", 20, 0}, history, 6, "c")), "[system]S[user]a[assistant]b[user]c");
}

TEST(Prompt, JoinsAnUnansweredQuestionWithTheNext) {
  const std::vector<StoredMessage> history{{"user", "a", "", 1, "{}"}};
  EXPECT_EQ(printed(build_prompt({"S", 20, 0}, history, 2, "b")), "[system]S[user]a\nb");
}

TEST(Prompt, WhatWasRecalledStaysWithItsQuestionSoThatTheNextPromptBeginsAlike) {
  const std::string asked = printed(build_prompt({"S", 20, 0}, {}, 1, with_facts("What is my dog called?", "(Rex)")));
  const std::vector<StoredMessage> history{{"user", "What is my dog called?", "", 1, R"j({"recalled":"(Rex)"})j"},
                                           {"assistant", "Rex.", "", 2, R"({"model":"recalled"})"},
                                           {"user", "Thanks.", "", 3, R"({"recalled":)"}};
  EXPECT_EQ(printed(build_prompt({"S", 20, 0}, history, 3, "Thanks.")), asked + "[assistant]Rex.[user]Thanks.");
  EXPECT_EQ(with_facts("Hello.", ""), "Hello.");
}

TEST(Prompt, TheWindowNeverExceedsTheMaximumNorFallsBelowHalf) {
  for (const int maximum : {1, 2, 5, 20}) {
    for (long long earlier = 0; earlier < 100; ++earlier) {
      const long long kept = earlier - dropped_messages(earlier, maximum);
      EXPECT_LE(kept, maximum);
      EXPECT_GE(kept, std::min<long long>(earlier, maximum / 2)) << earlier << " of " << maximum;
    }
  }
}

TEST(Prompt, MostPromptsBeginAsTheOneBefore) {
  constexpr int kMaximum = 10;
  constexpr int kTurns = 50;
  std::string before;
  int breaks = 0;
  for (int turn = 1; turn <= kTurns; ++turn) {
    const int sequence = 2 * turn - 1;
    const std::string question = numbered(sequence);
    const std::string now = printed(build_prompt({"S", kMaximum, 0}, alternating(sequence), sequence, question));
    if (now.compare(0, before.size(), before) != 0) ++breaks;
    before = now;
  }
  // Two messages a turn, five dropped at once.
  EXPECT_LE(breaks, kTurns * 2 / (kMaximum / 2));
  EXPECT_GT(breaks, 0);
}

TEST(Prompt, LongMessagesShortenTheHistoryBySteps) {
  auto history = alternating(10);
  for (auto& message : history)
    message.content.append(600, '.');
  const auto all = build_prompt({"S", 20, 0}, history, 11, "q");
  EXPECT_EQ(all.size(), 12U);
  const auto some = build_prompt({"S", 4, 1000}, history, 11, "q");
  EXPECT_EQ(printed(some).find("m6"), std::string::npos);
  EXPECT_NE(printed(some).find("m7"), std::string::npos);
  // What is asked stays, however long.
  const auto none = build_prompt({"S", 4, 1000}, history, 11, std::string(5000, 'q'));
  EXPECT_EQ(none.size(), 2U);
  EXPECT_EQ(none.back().content.size(), 5000U);
}

}  // namespace
}  // namespace morgan::dialogue
