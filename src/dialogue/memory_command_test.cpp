#include "dialogue/memory_command.h"

#include <gtest/gtest.h>

namespace morgan::dialogue {

namespace {

using Kind = MemoryCommand::Kind;

TEST(MemoryCommand, RemembersWhatItIsToldTo) {
  for (const char* text : {"Remember that my dog is called Rex.", "remember: my dog is called Rex",
                           "Please remember my dog is called Rex!", "Can you remember that my dog is called Rex?",
                           "Hey Morgan, could you please remember that my dog is called Rex.",
                           "I want you to remember that my dog is called Rex",
                           "Don't forget that my dog is called Rex.", "Keep in mind that my dog is called Rex."}) {
    const MemoryCommand command = parse_memory_command(text);
    EXPECT_EQ(command.kind, Kind::kRemember) << text;
    EXPECT_EQ(command.content, "my dog is called Rex") << text;
  }
  EXPECT_EQ(parse_memory_command("Remember I like tea, not coffee.").content, "I like tea, not coffee");
  EXPECT_EQ(parse_memory_command("Please remember my dog is called Rex?").content, "my dog is called Rex");
  EXPECT_EQ(parse_memory_command("Remember that Anna lives in Oslo.").content, "Anna lives in Oslo");
}

TEST(MemoryCommand, LeavesOtherSentencesAlone) {
  for (const char* text : {"",
                           "Remember.",
                           "Remember that.",
                           "Do you remember my dog?",
                           "Remember when we met?",
                           "Remember to buy milk.",
                           "I remember that day.",
                           "Remembering that is hard.",
                           "Forget it.",
                           "Forget about that.",
                           "Forget me not.",
                           "Forget that, what time is it?",
                           "Forget it, tell me a joke.",
                           "Forget about that, when is my dentist appointment?",
                           "Forget that I asked.",
                           "Forget what I said.",
                           "Forget my last question.",
                           "Forget my reminder about the dentist.",
                           "Forget the pasta timer.",
                           "Remember my name?",
                           "Remember the time we went to Rome?",
                           "Remember the time we went to Rome.",
                           "Remember that movie with the dinosaurs?",
                           "Remember that movie with the dinosaurs.",
                           "Don't forget the milk.",
                           "Remember: a pound of butter.",
                           "Never mind.",
                           "I forget everything.",
                           "What do you know about me and my dog?",
                           "What do you know about Paris?",
                           "Yes.",
                           "Everything."}) {
    EXPECT_EQ(parse_memory_command(text).kind, Kind::kNone) << text;
  }
}

TEST(MemoryCommand, ForgetsWhatItIsToldTo) {
  for (const char* text : {"Forget that I like tea.", "Please forget what I told you about I like tea",
                           "Forget everything about I like tea."}) {
    const MemoryCommand command = parse_memory_command(text);
    EXPECT_EQ(command.kind, Kind::kForget) << text;
    EXPECT_EQ(command.content, "I like tea") << text;
  }
  EXPECT_EQ(parse_memory_command("Forget my birthday.").content, "my birthday");
  EXPECT_EQ(parse_memory_command("Forget about my birthday.").content, "my birthday");
}

TEST(MemoryCommand, ForgetsAllOnlyWhenItIsSaidTwice) {
  EXPECT_EQ(parse_memory_command("Forget everything you know about me.").kind, Kind::kForgetAll);
  EXPECT_EQ(parse_memory_command("Morgan, forget everything!").kind, Kind::kForgetAll);
  EXPECT_EQ(parse_memory_command("Yes, forget everything.").kind, Kind::kForgetAllForSure);
}

TEST(MemoryCommand, TellsWhatItKnows) {
  for (const char* text :
       {"What do you know about me?", "Morgan, what do you remember about me?", "Tell me what you know about me."})
    EXPECT_EQ(parse_memory_command(text).kind, Kind::kTell) << text;
}

TEST(MemoryCommand, SortsFactsByTheirWords) {
  EXPECT_EQ(category_of("I love jazz."), "preference");
  EXPECT_EQ(category_of("I work at the harbour."), "work");
  EXPECT_EQ(category_of("My dog is called Rex."), "family");
  EXPECT_EQ(category_of("My birthday is in May."), "date");
  EXPECT_EQ(category_of("I live in Oslo."), "place");
  EXPECT_EQ(category_of("The key is under the mat."), "other");
}

}  // namespace

}  // namespace morgan::dialogue
