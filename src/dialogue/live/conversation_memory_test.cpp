#include "dialogue/live/conversation_memory.h"

#include "dialogue/live/live_test_world.h"

namespace morgan::dialogue::live {
namespace {

/// A store that can refuse.
class FickleStore final : public stores::ConversationStore {
 public:
  explicit FickleStore(stores::ConversationStore& real) : real_(real) {}
  Result<stores::StoredConversation> append(const std::string& user,
                                            const std::vector<stores::StoredMessage>& messages) override {
    if (broken) return fail(ErrorCode::kUnavailable, "disk full");
    return real_.append(user, messages);
  }
  Result<void> amend(const std::string& user, const std::string& id, const std::string& content,
                     const std::string& metadata) override {
    if (broken) return fail(ErrorCode::kUnavailable, "disk full");
    return real_.amend(user, id, content, metadata);
  }
  Result<std::vector<stores::StoredMessage>> recent(const std::string& user, int limit) override {
    if (broken) return fail(ErrorCode::kUnavailable, "disk full");
    return real_.recent(user, limit);
  }
  Result<stores::MessagePage> page(const std::string& user, long long limit, long long offset) override {
    return real_.page(user, limit, offset);
  }
  Result<std::vector<stores::StoredConversation>> list(long long limit, long long offset,
                                                       const std::string& user) override {
    return real_.list(limit, offset, user);
  }
  Result<bool> reset(const std::string& user) override { return real_.reset(user); }
  Result<std::string> profile(const std::string& user) override {
    if (broken || no_profiles) return fail(ErrorCode::kUnavailable, "away");
    return real_.profile(user);
  }
  Result<void> set_profile(const std::string& user, const std::string& json) override {
    return real_.set_profile(user, json);
  }
  Result<long long> erase(const std::string& user) override { return real_.erase(user); }
  Result<void> ping() override { return real_.ping(); }
  std::string description() const override { return "fickle"; }
  bool broken = false;
  bool no_profiles = false;  // cannot be read; anything can be written

 private:
  stores::ConversationStore& real_;
};

class ConversationMemoryTest : public LiveWorld {
 protected:
  ~ConversationMemoryTest() override {
    pool_.full = false;
    settle();
  }
  std::shared_ptr<ConversationMemory> make(const std::string& user = "ann", int window = 20) {
    auto memory =
        std::make_shared<ConversationMemory>(strand_, pool_, fickle_, MemoryOptions{"Be brief.", window, 0}, user,
                                             [this](const Error& error) { troubles_.push_back(error); });
    memory->refresh();
    settle();
    return memory;
  }
  static std::string text_of(const std::vector<engines::ChatMessage>& prompt) {
    std::string text;
    for (const auto& message : prompt)
      text += (text.empty() ? "" : "|") + message.role + ':' + message.content;
    return text;
  }

  FickleStore fickle_{*store_};
  std::vector<Error> troubles_;
};

TEST_F(ConversationMemoryTest, WhatWasSaidIsStoredInOrder) {
  const auto memory = make();
  for (int i = 1; i <= 5; ++i) {
    memory->remember_user("question " + std::to_string(i), "{}");
    memory->remember_assistant("answer " + std::to_string(i), "{}");
  }
  settle();
  EXPECT_EQ(kept(),
            "user:question 1|assistant:answer 1|user:question 2|assistant:answer 2|user:question 3|"
            "assistant:answer 3|user:question 4|assistant:answer 4|user:question 5|assistant:answer 5");
  EXPECT_TRUE(troubles_.empty());
}

TEST_F(ConversationMemoryTest, ThePromptHasWhatWasSaidThoughItIsNotYetWritten) {
  const auto memory = make();
  memory->remember_user("What is one?", "{}");
  memory->remember_assistant("A number.", "{}");
  EXPECT_EQ(kept(), "");
  EXPECT_EQ(text_of(memory->prompt("And two?")),
            "system:Be brief.|user:What is one?|assistant:A number.|user:And two?");
}

TEST_F(ConversationMemoryTest, AMessageThatIsRememberedAlreadyStandsOnceInItsPrompt) {
  const auto memory = make();
  memory->remember_user("What is one?", "{}");
  memory->remember_assistant("A number.", "{}");
  memory->remember_user("And two?", "{}");
  EXPECT_EQ(text_of(memory->prompt_for_last()), "system:Be brief.|user:What is one?|assistant:A number.|user:And two?");
}

TEST_F(ConversationMemoryTest, ATurnThatGoesOnReplacesItsMessage) {
  const auto memory = make();
  memory->remember_user("What is", "{}");
  settle();
  memory->reopen();
  EXPECT_EQ(text_of(memory->prompt("What is the time?")), "system:Be brief.|user:What is the time?");
  memory->remember_user("What is the time?", R"({"spoken":true})");
  memory->remember_assistant("Noon.", "{}");
  settle();
  EXPECT_EQ(kept(), "user:What is the time?|assistant:Noon.");
  EXPECT_EQ(store_->recent("ann", 2)->front().metadata, R"({"spoken":true})");
}

TEST_F(ConversationMemoryTest, ReopenedBeforeItWasWrittenItIsStillOneMessage) {
  const auto memory = make();
  memory->remember_user("What is", "{}");
  memory->reopen();
  memory->remember_user("What is the time?", "{}");
  settle();
  EXPECT_EQ(kept(), "user:What is the time?");
}

TEST_F(ConversationMemoryTest, ATurnThatWentOnWithoutWordsKeepsWhatWasSaid) {
  const auto memory = make();
  memory->remember_user("What is the time?", "{}");
  memory->reopen();
  memory->keep();
  memory->remember_user("Hello.", "{}");
  settle();
  EXPECT_EQ(kept(), "user:What is the time?|user:Hello.");
}

TEST_F(ConversationMemoryTest, AfterAResetTheRestBeginsTheNewConversation) {
  const auto memory = make();
  memory->remember_user("What is", "{}");
  settle();
  ASSERT_TRUE(*store_->reset("ann"));
  memory->reopen();
  memory->remember_user("What is the time?", "{}");
  settle();
  EXPECT_EQ(kept(), "user:What is the time?");
  EXPECT_TRUE(troubles_.empty());
}

TEST_F(ConversationMemoryTest, WhatAnotherSessionSaidIsReadAnew) {
  const auto one = make();
  const auto other = make();
  other->remember_user("I am Ann.", "{}");
  other->remember_assistant("Hello, Ann.", "{}");
  settle();
  EXPECT_EQ(text_of(one->prompt("Who am I?")), "system:Be brief.|user:Who am I?");
  one->refresh();
  settle();
  EXPECT_EQ(text_of(one->prompt("Who am I?")), "system:Be brief.|user:I am Ann.|assistant:Hello, Ann.|user:Who am I?");
}

TEST_F(ConversationMemoryTest, ReadingDoesNotForgetWhatIsBeingWritten) {
  const auto memory = make();
  memory->refresh();
  memory->remember_user("What is one?", "{}");
  settle();
  EXPECT_EQ(text_of(memory->prompt("And two?")), "system:Be brief.|user:What is one?\nAnd two?");
}

TEST_F(ConversationMemoryTest, AStoreThatRefusesIsToldOnceAMessageAndTheRestGoesOn) {
  const auto memory = make();
  fickle_.broken = true;
  memory->remember_user("Lost?", "{}");
  settle();
  ASSERT_EQ(troubles_.size(), 1U);
  EXPECT_EQ(troubles_[0].code, ErrorCode::kUnavailable);
  EXPECT_EQ(text_of(memory->prompt("Next")), "system:Be brief.|user:Lost?\nNext") << "the conversation remembers";
  fickle_.broken = false;
  memory->remember_assistant("Found.", "{}");
  settle();
  EXPECT_EQ(kept(), "assistant:Found.");
}

TEST_F(ConversationMemoryTest, NothingIsLostWhenTheSessionEndsWhileItWrites) {
  auto memory = make();
  bool written = false;
  for (int i = 1; i <= 3; ++i)
    memory->remember_user("word " + std::to_string(i), "{}");
  memory->when_written([&] { written = true; });
  memory.reset();
  EXPECT_FALSE(written);
  settle();
  EXPECT_TRUE(written);
  EXPECT_EQ(kept(), "user:word 1|user:word 2|user:word 3");
}

TEST_F(ConversationMemoryTest, WithNothingToWriteItIsWrittenAtOnce) {
  const auto memory = make();
  bool written = false;
  memory->when_written([&] { written = true; });
  EXPECT_FALSE(written) << "never inside the call";
  settle();
  EXPECT_TRUE(written);
}

TEST_F(ConversationMemoryTest, APoolWithoutRoomDelaysAWriteAndLosesNone) {
  const auto memory = make();
  pool_.full = true;
  bool written = false;
  memory->remember_user("Patience.", "{}");
  memory->remember_assistant("Yes.", "{}");
  memory->when_written([&] { written = true; });
  pass(2'000);
  EXPECT_FALSE(written);
  EXPECT_EQ(troubles_.size(), 1U) << "told once, not for each attempt";
  pool_.full = false;
  pass(2'000);
  EXPECT_TRUE(written);
  EXPECT_EQ(kept(), "user:Patience.|assistant:Yes.");
}

TEST_F(ConversationMemoryTest, WhatWaitsIsBounded) {
  const auto memory = make();
  pool_.full = true;
  for (std::size_t i = 0; i < 2 * ConversationMemory::kMostWaiting; ++i)
    memory->remember_user("again", "{}");
  EXPECT_GE(troubles_.size(), ConversationMemory::kMostWaiting - 1);
  pool_.full = false;
  pass(2'000);
  EXPECT_EQ(store_->page("ann", 1, 0)->total, static_cast<long long>(ConversationMemory::kMostWaiting));
}

TEST_F(ConversationMemoryTest, ALongConversationKeepsNoMoreThanThePromptNeeds) {
  const auto memory = make("ann", 4);
  for (int i = 0; i < 500; ++i) {
    memory->remember_user("question " + std::to_string(i), "{}");
    settle();
  }
  EXPECT_LE(memory->remembered(), 16U);
}

TEST_F(ConversationMemoryTest, HowSomebodyPausesOutlivesTheSession) {
  {
    const auto memory = make();
    for (int i = 0; i < 4; ++i)
      memory->add_pause(700);
    memory->remember_user("hello", "{}");
    settle();
  }
  const auto again = make();
  EXPECT_EQ(again->pauses().seen, 4);
  EXPECT_DOUBLE_EQ(again->pauses().mean_ms, 700);
  EXPECT_EQ(make("bob")->pauses().seen, 0);
}

TEST_F(ConversationMemoryTest, WhatWasLearnedIsNotWrittenOverWhileItCannotBeRead) {
  ASSERT_TRUE(store_->set_profile("ann", R"({"pause_mean_ms":1000.0,"pauses_seen":8})"));
  fickle_.no_profiles = true;
  const auto memory = make();
  memory->add_pause(200);
  memory->remember_user("Hello.", "{}");
  settle();
  EXPECT_EQ(*store_->profile("ann"), R"({"pause_mean_ms":1000.0,"pauses_seen":8})");
  fickle_.no_profiles = false;
  memory->refresh();
  settle();
  EXPECT_EQ(memory->pauses().seen, 9);
  EXPECT_DOUBLE_EQ(memory->pauses().mean_ms, 800);
  memory->remember_user("And?", "{}");
  settle();
  EXPECT_EQ(*store_->profile("ann"), R"({"pause_mean_ms":800.0,"pauses_seen":9})");
}

}  // namespace
}  // namespace morgan::dialogue::live
