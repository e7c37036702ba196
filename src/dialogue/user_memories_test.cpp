// The store is the real one. Facts are found by their words here; by their meaning in tests/functional/test_memory.py.
#include "dialogue/user_memories.h"

#include "stores/sqlite/sqlite_memory_store.h"
#include "test_support/temporary_folder.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace morgan::dialogue {

namespace {

namespace fs = std::filesystem;

class Memories : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = stores::open_sqlite_memory_store(folder_ / "morgan.db");
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    memories_.emplace(*store_, nullptr);
  }
  void TearDown() override { store_.reset(); }

  /// Says something that is meant, and gives the answer.
  std::string say(const std::string& text) {
    const auto recollection = memories_->recollect("ann", text, {});
    EXPECT_TRUE(recollection);
    EXPECT_TRUE(memories_->carry_out("ann", text, "", {}));
    return recollection->answer;
  }
  std::vector<std::string> known(const std::string& user = "ann") {
    std::vector<std::string> texts;
    const stores::MemoryPage page = store_->page(user, 100, 0).value();
    for (const auto& memory : page.memories)
      texts.push_back(memory.content);
    return texts;
  }
  using Texts = std::vector<std::string>;

  test_support::TemporaryFolder folder_;
  std::unique_ptr<stores::MemoryStore> store_;
  std::optional<UserMemories> memories_;
};

TEST_F(Memories, KeepsWhatItIsToldToAndSaysSo) {
  EXPECT_EQ(say("Please remember that my dog is called Rex."), "I will remember that your dog is called Rex.");
  EXPECT_EQ(known(), Texts{"my dog is called Rex"});
  const stores::StoredMemory kept = store_->page("ann", 1, 0)->memories.at(0);
  EXPECT_EQ(kept.category, "family");
  EXPECT_EQ(kept.source, "Please remember that my dog is called Rex.");
}

TEST_F(Memories, KeepsNothingTwice) {
  EXPECT_TRUE(memories_->remember("ann", "I like tea.", "", {})->is_new);
  EXPECT_FALSE(memories_->remember("ann", "i like TEA", "", {})->is_new);
  EXPECT_TRUE(memories_->remember("ann", "I like teapots.", "", {})->is_new);
  EXPECT_TRUE(memories_->remember("bob", "I like tea.", "", {})->is_new);
}

TEST_F(Memories, ChangesNothingUntilItIsMeant) {
  say("Remember that I like tea.");
  ASSERT_TRUE(memories_->recollect("ann", "Remember that I like jazz.", {}));
  ASSERT_TRUE(memories_->recollect("ann", "Forget that I like tea.", {}));
  ASSERT_TRUE(memories_->recollect("ann", "Yes, forget everything.", {}));
  EXPECT_EQ(known(), Texts{"I like tea"});
}

TEST_F(Memories, ASentenceThatWentOnReplacesWhatItsBeginningMade) {
  const std::string first = memories_->carry_out("ann", "Remember that I like tea", "", {}).value();
  ASSERT_FALSE(first.empty());
  ASSERT_TRUE(memories_->carry_out("ann", "Remember that I like tea with milk.", first, {}));
  EXPECT_EQ(known(), Texts{"I like tea with milk"});
}

TEST_F(Memories, ForgetsOneOrAllOfOneUser) {
  say("Remember that my birthday is in May.");
  say("Remember that I like tea.");
  ASSERT_TRUE(memories_->remember("bob", "my birthday is in June", "", {}));
  EXPECT_EQ(say("Forget my birthday."), "I have forgotten what you told me about this: your birthday.");
  EXPECT_EQ(known(), Texts{"I like tea"});
  EXPECT_NE(say("Forget everything you know about me.").find("1 thing"), std::string::npos);
  EXPECT_EQ(known(), Texts{"I like tea"});
  say("Yes, forget everything.");
  EXPECT_TRUE(known().empty());
  EXPECT_EQ(known("bob"), Texts{"my birthday is in June"});
}

TEST_F(Memories, TellsWhatItKnowsAndHowMuchMore) {
  EXPECT_NE(say("What do you know about me?").find("not know anything"), std::string::npos);
  for (int i = 1; i <= 10; ++i)
    say("Remember that my number " + std::to_string(i) + " is " + std::to_string(i * 111) + ".");
  const std::string told = say("What do you know about me?");
  EXPECT_TRUE(told.starts_with("You told me this. Your number 10 is 1110."));
  EXPECT_TRUE(told.ends_with("And 2 more."));
}

TEST_F(Memories, PutsWhatFitsBehindAQuestion) {
  say("Remember that my dog is called Rex.");
  const auto found = memories_->recollect("ann", "What is my dog called?", {});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->answer, "");
  EXPECT_EQ(found->facts, "(What I told you before: My dog is called Rex.)");
  EXPECT_EQ(memories_->recollect("ann", "Who won?", {})->facts, "");
  EXPECT_EQ(memories_->recollect("bob", "What is my dog called?", {})->facts, "");
}

TEST_F(Memories, RefusesWhatCannotBeKept) {
  EXPECT_EQ(memories_->remember("ann", "  ", "", {}).error().param, "text");
  EXPECT_EQ(memories_->remember("ann", std::string(2001, 'a'), "", {}).error().param, "text");
  EXPECT_EQ(memories_->remember("ann", "\xff", "", {}).error().param, "text");
  EXPECT_EQ(memories_->change("ann", "mem_none", "text", 0, {}).error().code, ErrorCode::kNotFound);
}

}  // namespace

}  // namespace morgan::dialogue
