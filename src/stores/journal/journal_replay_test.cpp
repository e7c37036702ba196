// How what waits is written, with a database that answers as each test needs it: slowly, not at all, until it is
// killed. What PostgreSQL itself does is in journaled_store_test.cpp.
#include "stores/journal/journaled_store.h"

#include "base/file.h"
#include "stores/cache/memory_cache.h"
#include "stores/store_test_worlds.h"
#include "test_support/temporary_folder.h"

#include <condition_variable>
#include <functional>
#include <future>

namespace morgan::stores {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Texts = std::vector<std::string>;

/// SQLite's store; before each of its calls a test may refuse, and after each write it may look.
class ScriptedStore final : public ConversationStore {
 public:
  struct Script {
    std::function<Result<void>(const std::string& call)> before = [](const std::string&) { return Result<void>(); };
    std::function<void(const std::string& call)> after = [](const std::string&) {};
    milliseconds patience{0};
  };
  ScriptedStore(std::unique_ptr<ConversationStore> real, Script& script) : real_(std::move(real)), script_(script) {}

  Result<StoredConversation> append(const std::string& user, const std::vector<StoredMessage>& messages) override {
    MORGAN_CHECK_OK(script_.before("append"));
    auto stored = real_->append(user, messages);
    script_.after("append");
    return stored;
  }
  Result<void> amend(const std::string& user, const std::string& id, const std::string& content,
                     const std::string& metadata) override {
    MORGAN_CHECK_OK(script_.before("amend"));
    return real_->amend(user, id, content, metadata);
  }
  Result<std::vector<StoredMessage>> recent(const std::string& user, int limit) override {
    MORGAN_CHECK_OK(script_.before("recent"));
    auto read = real_->recent(user, limit);
    script_.after("recent");
    return read;
  }
  Result<MessagePage> page(const std::string& user, long long limit, long long offset) override {
    MORGAN_CHECK_OK(script_.before("page"));
    return real_->page(user, limit, offset);
  }
  Result<std::vector<StoredConversation>> list(long long limit, long long offset, const std::string& user) override {
    return real_->list(limit, offset, user);
  }
  Result<bool> reset(const std::string& user) override {
    MORGAN_CHECK_OK(script_.before("reset"));
    auto was_open = real_->reset(user);
    script_.after("reset");
    return was_open;
  }
  Result<std::string> profile(const std::string& user) override { return real_->profile(user); }
  Result<void> set_profile(const std::string& user, const std::string& json) override {
    return real_->set_profile(user, json);
  }
  Result<long long> erase(const std::string& user) override {
    MORGAN_CHECK_OK(script_.before("erase"));
    return real_->erase(user);
  }
  void set_patience(milliseconds patience) override { script_.patience = patience; }
  Result<void> ping() override { return script_.before("ping"); }
  std::string description() const override { return "scripted"; }

 private:
  const std::unique_ptr<ConversationStore> real_;
  Script& script_;
};

class JournalReplay : public ::testing::Test {
 protected:
  std::filesystem::path journal() const { return folder_ / "home" / "journal"; }
  std::filesystem::path database() const { return folder_ / "morgan.db"; }
  std::unique_ptr<JournaledStore> open() {
    JournaledOptions options;
    options.open = [this]() -> Result<std::unique_ptr<ConversationStore>> {
      if (away_) return fail(ErrorCode::kUnavailable, "away");
      MORGAN_TRY(auto real, open_sqlite_store(database()));
      std::unique_ptr<ConversationStore> scripted = std::make_unique<ScriptedStore>(std::move(real), script_);
      return scripted;
    };
    options.journal = journal();
    options.own_thread = false;
    options.now = [this] { return now_; };
    auto store = JournaledStore::open(std::move(options), cache_, metrics_);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(store).value() : nullptr;
  }
  void attend(JournaledStore& store) {
    now_ += seconds(5);
    store.attend();
  }
  /// What the database itself has.
  Texts stored(const std::string& user) {
    const auto direct = open_sqlite_store(database());
    EXPECT_TRUE(direct);
    return direct ? contents((*direct)->page(user, 10'000, 0)->messages) : Texts{};
  }
  static Result<void> too_slow() { return fail(ErrorCode::kDeadlineExceeded, "gave up what took it too long"); }

  test_support::TemporaryFolder folder_;
  bool away_ = false;
  ScriptedStore::Script script_;
  std::chrono::steady_clock::time_point now_{seconds(1000)};
  MemoryCache cache_{1'000'000, [this] { return now_; }};
  Metrics metrics_;
};

TEST_F(JournalReplay, ADatabaseThatAnswersButDoesNotWriteHoldsNobodyUp) {
  away_ = true;
  const auto store = open();
  ASSERT_TRUE(store->append("ann", {said("one")}));
  away_ = false;
  std::promise<void> begun;
  std::promise<void> released;
  script_.before = [&, first = true](const std::string& call) mutable -> Result<void> {
    if (call == "append" && std::exchange(first, false)) {
      begun.set_value();
      released.get_future().wait();
    }
    return {};
  };
  now_ += seconds(5);
  std::thread attending([&] { store->attend(); });
  begun.get_future().wait();
  // The write hangs, and will until it is released: whoever waited for it would never return.
  auto turn = std::async(std::launch::async, [&] {
    return store->append("ann", {said("two")}).has_value() && store->append("ann", {said("three")}).has_value() &&
           contents(*store->recent("ann", 10)) == Texts{"one", "two", "three"};
  });
  const bool returned = turn.wait_for(seconds(10)) == std::future_status::ready;
  released.set_value();
  attending.join();
  EXPECT_TRUE(returned);
  EXPECT_TRUE(turn.get());
  attend(*store);
  EXPECT_EQ(store->health().state, StoreState::kHealthy);
  EXPECT_EQ(stored("ann"), (Texts{"one", "two", "three"}));
}

TEST_F(JournalReplay, AWriteThatIsAlwaysTooSlowGetsMoreTimeAndTheOthersAreStored) {
  const auto store = open();
  ASSERT_TRUE(store->append("ann", {said("of years")}));
  script_.before = [&](const std::string& call) -> Result<void> {
    return call == "erase" && script_.patience < seconds(30) ? too_slow() : Result<void>();
  };
  ASSERT_TRUE(store->erase("ann"));
  ASSERT_TRUE(store->append("bob", {said("hello")}));
  EXPECT_EQ(store->health().state, StoreState::kDegraded);
  for (int attempt = 0; attempt < 3; ++attempt)
    attend(*store);
  EXPECT_EQ(store->waiting(), 2U);
  attend(*store);
  EXPECT_EQ(store->health().state, StoreState::kHealthy);
  EXPECT_EQ(script_.patience.count(), 0);
  EXPECT_TRUE(stored("ann").empty());
  EXPECT_EQ(stored("bob"), Texts{"hello"});
}

TEST_F(JournalReplay, AReadingThatIsTooSlowIsNoOutage) {
  const auto store = open();
  ASSERT_TRUE(store->append("ann", {said("one")}));
  script_.before = [](const std::string& call) -> Result<void> {
    return call == "page" || call == "recent" ? too_slow() : Result<void>();
  };
  EXPECT_EQ(store->page("ann", 10, 0).error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(contents(*store->recent("ann", 10)), Texts{"one"}) << "what is known here";
  EXPECT_EQ(store->health().state, StoreState::kHealthy);
  ASSERT_TRUE(store->append("ann", {said("two")}));
  EXPECT_EQ(store->waiting(), 0U);
}

TEST_F(JournalReplay, AnAmendmentBringsBackNothingThatIsToBeErased) {
  const auto store = open();
  ASSERT_TRUE(store->append("ann", {{"user", "secret", "", 0, "{}", "msg_secret"}}));
  script_.before = [](const std::string&) -> Result<void> { return fail(ErrorCode::kUnavailable, "away"); };
  ASSERT_TRUE(store->amend("ann", "msg_secret", "secret, amended", "{}"));
  ASSERT_TRUE(store->erase("ann"));
  EXPECT_EQ(store->amend("ann", "msg_secret", "secret again", "{}").error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(store->append("ann", {{"user", "new", "", 0, "{}", "msg_new"}}));
  ASSERT_TRUE(store->amend("ann", "msg_new", "new, amended", "{}"));
  script_.before = [](const std::string&) { return Result<void>(); };
  attend(*store);
  EXPECT_EQ(stored("ann"), Texts{"new, amended"});
}

TEST_F(JournalReplay, AProfileThatIsNotKnownIsNotSaidToBeEmpty) {
  const auto store = open();
  ASSERT_TRUE(store->set_profile("ann", R"({"pauses_seen":5})"));
  cache_.erase("user_prefs:ann");
  away_ = true;
  const auto alone = [&] {
    std::filesystem::remove_all(folder_ / "home");
    return open();
  }();
  EXPECT_EQ(alone->profile("ann").error().code, ErrorCode::kUnavailable);
  ASSERT_TRUE(alone->set_profile("ann", R"({"pauses_seen":6})"));
  cache_.erase("user_prefs:ann");
  EXPECT_EQ(*alone->profile("ann"), R"({"pauses_seen":6})");
  ASSERT_TRUE(alone->erase("ann"));
  EXPECT_EQ(*alone->profile("ann"), "{}");
}

TEST_F(JournalReplay, WhatIsErasedWhileItIsReadDoesNotStayInTheCache) {
  const auto store = open();
  ASSERT_TRUE(store->append("ann", {said("secret")}));
  script_.after = [&](const std::string& call) {
    if (call == "recent") {
      EXPECT_TRUE(store->erase("ann"));
    }
  };
  ASSERT_TRUE(store->recent("ann", 10));
  EXPECT_EQ(cache_.get("conversation:ann"), std::nullopt);
}

TEST_F(JournalReplay, WhatTheDatabaseRefusesIsKeptOrWaits) {
  away_ = true;
  const auto store = open();
  ASSERT_TRUE(store->append("ann", {said("refused")}));
  away_ = false;
  script_.before = [](const std::string& call) -> Result<void> {
    return call == "append" ? Result<void>(fail(ErrorCode::kInternal, "no such column")) : Result<void>();
  };
  // It cannot be kept: then it is not done.
  const std::filesystem::path refused = journal().string() + ".refused";
  std::filesystem::create_directory(refused);
  attend(*store);
  EXPECT_EQ(store->waiting(), 1U);
  EXPECT_EQ(store->health().state, StoreState::kDegraded);
  std::filesystem::remove(refused);
  attend(*store);
  EXPECT_EQ(store->waiting(), 0U);
  EXPECT_NE(read_file(refused, 10'000)->find("refused"), std::string::npos);
}

TEST_F(JournalReplay, AKillAfterAnyWriteAndBeforeItsMarkChangesNothing) {
  away_ = true;
  {
    const auto store = open();
    ASSERT_TRUE(store->append("ann", {said("one")}));
    ASSERT_TRUE(store->reset("ann"));
    ASSERT_TRUE(store->append("ann", {said("two")}));
  }
  const std::string all = *read_file(journal(), 10'000);
  away_ = false;
  for (int kill_at = 1; kill_at <= 3; ++kill_at) {
    for (const char* const end : {"", "-wal", "-shm"})
      std::filesystem::remove(database().string() + end);
    ASSERT_TRUE(write_file_atomically(journal(), all));
    // The journal as it is on the disk when the write is done and the process ends.
    std::string left;
    script_.before = [&](const std::string&) -> Result<void> {
      return left.empty() ? Result<void>() : Result<void>(fail(ErrorCode::kUnavailable, "killed"));
    };
    script_.after = [&, writes = 0](const std::string&) mutable {
      if (++writes == kill_at) left = *read_file(journal(), 10'000);
    };
    open();
    ASSERT_FALSE(left.empty());
    script_ = {};
    ASSERT_TRUE(write_file_atomically(journal(), left));
    const auto store = open();
    EXPECT_EQ(store->waiting(), 0U);
    EXPECT_EQ(stored("ann"), Texts{"two"}) << "killed after write " << kill_at;
    EXPECT_EQ(store->list(10, 0)->size(), 2U) << "killed after write " << kill_at;
  }
}

}  // namespace
}  // namespace morgan::stores
