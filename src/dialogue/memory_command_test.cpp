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
}

TEST(MemoryCommand, LeavesOtherSentencesAlone) {
  for (const char* text :
       {"", "Remember.", "Remember that.", "Do you remember my dog?", "Remember when we met?", "Remember to buy milk.",
        "I remember that day.", "Remembering that is hard.", "Forget it.", "Forget about that.", "Forget me not.",
        "Never mind.", "I forget everything.", "What do you know about me and my dog?", "What do you know about Paris?",
        "Yes.", "Everything."}) {
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

TEST(MemoryCommand, TurnsAFactRoundForItsUser) {
  EXPECT_EQ(to_second_person("my dog is called Rex."), "your dog is called Rex");
  EXPECT_EQ(to_second_person("I am from Oslo, and I was born there"), "you are from Oslo, and you were born there");
  EXPECT_EQ(to_second_person("I'm allergic to nuts!"), "you're allergic to nuts");
  EXPECT_EQ(to_second_person("you should call me Ada"), "I should call you Ada");
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
