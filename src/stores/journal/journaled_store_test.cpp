// The database goes and comes back: a real PostgreSQL is stopped and started. What a store does while all is well is in
// conversation_store_test.cpp.
#include "stores/journal/journaled_store.h"

#include "base/file.h"
#include "stores/cache/memory_cache.h"
#include "stores/store_test_worlds.h"
#include "test_support/temporary_folder.h"

#include <condition_variable>

namespace morgan::stores {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test_support::PostgresTestServer;
using Texts = std::vector<std::string>;

class JournaledStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = PostgresTestServer::shared();
    if (server_ == nullptr) GTEST_SKIP() << "PostgreSQL is not installed; 'make test' installs it";
    url_ = server_->make_database();
  }
  void TearDown() override {
    if (down_) come_back();
  }
  JournaledOptions options() {
    JournaledOptions options;
    options.open = [this] { return open_postgres_store({url_, 10}); };
    options.journal = folder_ / "home" / "journal";
    options.own_thread = false;
    options.now = [this] { return now_; };
    return options;
  }
  std::unique_ptr<JournaledStore> open() { return open(options()); }
  std::unique_ptr<JournaledStore> open(JournaledOptions options) {
    auto store = JournaledStore::open(std::move(options), cache_, metrics_);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(store).value() : nullptr;
  }
  void go_away(const std::string& mode = "fast") {
    server_->stop(mode);
    down_ = true;
  }
  void come_back() {
    ASSERT_TRUE(server_->start());
    down_ = false;
  }
  /// Lets the longest pause pass.
  void attend(JournaledStore& store) {
    now_ += seconds(5);
    store.attend();
  }
  /// What the database itself has, asked past the journal.
  Texts stored(const std::string& user) {
    const auto direct = open_postgres_store({url_, 1});
    EXPECT_TRUE(direct) << direct.error().message;
    return direct ? contents((*direct)->page(user, 10'000, 0)->messages) : Texts{};
  }

  PostgresTestServer* server_ = nullptr;
  bool down_ = false;
  std::string url_;
  test_support::TemporaryFolder folder_;
  std::chrono::steady_clock::time_point now_{seconds(1000)};
  MemoryCache cache_{1'000'000, [this] { return now_; }};
  Metrics metrics_;
};

TEST_F(JournaledStoreTest, ConversationsGoOnWithoutTheDatabaseAndAreStoredWhenItIsBack) {
  const auto store = open();
  EXPECT_EQ(store->health().state, StoreState::kHealthy);
  const auto before = store->append("ann", {said("before")});
  ASSERT_TRUE(before);
  go_away();
  const auto during = store->append("ann", {said("during")});
  ASSERT_TRUE(during) << during.error().message;
  EXPECT_EQ(during->conversation_id, before->conversation_id);
  EXPECT_EQ(during->message_count, 2);
  ASSERT_TRUE(store->append("bob", {said("new here")}));
  ASSERT_TRUE(store->append("ann", {said("later")}));
  const auto recent = store->recent("ann", 2);
  ASSERT_TRUE(recent);
  EXPECT_EQ(contents(*recent), (Texts{"during", "later"}));
  EXPECT_EQ(recent->back().sequence, 3);
  EXPECT_EQ(contents(*store->recent("ann", 10)), (Texts{"before", "during", "later"}));
  EXPECT_EQ(store->page("ann", 10, 0).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(store->waiting(), 3U);
  const StoreHealth away = store->health();
  EXPECT_EQ(away.state, StoreState::kDegraded);
  EXPECT_NE(away.detail.find("3 writes wait"), std::string::npos) << away.detail;
  EXPECT_NE(metrics_.scrape().find("morgan_store_up 0"), std::string::npos);
  EXPECT_NE(metrics_.scrape().find("morgan_store_waiting_writes 3"), std::string::npos);
  come_back();
  attend(*store);
  EXPECT_EQ(store->health().state, StoreState::kHealthy);
  EXPECT_EQ(store->waiting(), 0U);
  EXPECT_EQ(stored("ann"), (Texts{"before", "during", "later"}));
  EXPECT_EQ(stored("bob"), Texts{"new here"});
  ASSERT_TRUE(store->append("ann", {said("after")}));
  EXPECT_EQ(stored("ann").size(), 4U);
  EXPECT_NE(metrics_.scrape().find("morgan_store_replayed_writes_total 3"), std::string::npos);
}

TEST_F(JournaledStoreTest, WhatWaitsSurvivesARestartOfMorgan) {
  go_away();
  {
    const auto store = open();
    EXPECT_EQ(store->health().state, StoreState::kDegraded);
    ASSERT_TRUE(store->append("ann", {said("one")}));
    ASSERT_TRUE(store->append("ann", {said("two")}));
  }
  {
    const auto store = open();
    EXPECT_EQ(contents(*store->recent("ann", 10)), (Texts{"one", "two"}));
    EXPECT_EQ(store->append("ann", {said("three")})->message_count, 3);
  }
  come_back();
  const auto store = open();
  EXPECT_EQ(store->health().state, StoreState::kHealthy);
  EXPECT_EQ(stored("ann"), (Texts{"one", "two", "three"}));
}

TEST_F(JournaledStoreTest, AJournalThatIsReplayedTwiceChangesNothing) {
  const auto journal = options().journal;
  go_away();
  std::string waiting;
  {
    const auto store = open();
    for (int i = 0; i < 150; ++i)
      ASSERT_TRUE(store->append("ann", {said(std::to_string(i)), {"assistant", "yes", "", 0, "{}"}}));
    ASSERT_TRUE(store->append("ann", {{"user", "What is", "", 0, "{}", "msg_amended"}}));
    ASSERT_TRUE(store->amend("ann", "msg_amended", "What is it?", "{}"));
    waiting = *read_file(journal, 10'000'000);
  }
  come_back();
  open();
  const Texts once = stored("ann");
  ASSERT_EQ(once.size(), 301U);
  // Killed after the database had taken all of it, and before the journal knew.
  ASSERT_TRUE(write_file_atomically(journal, waiting));
  EXPECT_EQ(open()->waiting(), 0U);
  EXPECT_EQ(stored("ann"), once);
  EXPECT_EQ(once.back(), "What is it?");
}

TEST_F(JournaledStoreTest, EveryKindOfWriteWaits) {
  const auto store = open();
  ASSERT_TRUE(store->append("ann", {{"user", "first", "", 0, "{}", "msg_first"}}));
  ASSERT_TRUE(store->append("gone", {said("secret")}));
  ASSERT_TRUE(store->set_profile("ann", R"({"pauses_seen":1})"));
  go_away();
  ASSERT_TRUE(store->amend("ann", "msg_first", "first, amended", "{}"));
  EXPECT_EQ(contents(*store->recent("ann", 5)), Texts{"first, amended"});
  EXPECT_TRUE(*store->reset("ann"));
  EXPECT_TRUE(store->recent("ann", 5)->empty());
  EXPECT_EQ(store->append("ann", {said("second")})->message_count, 1);
  ASSERT_TRUE(store->set_profile("ann", R"({"pauses_seen":2})"));
  EXPECT_EQ(*store->profile("ann"), R"({"pauses_seen":2})");
  EXPECT_EQ(*store->erase("gone"), 1);
  EXPECT_TRUE(store->recent("gone", 5)->empty());
  come_back();
  attend(*store);
  EXPECT_EQ(stored("ann"), Texts{"second"});
  EXPECT_EQ(*store->profile("ann"), R"({"pauses_seen":2})");
  EXPECT_EQ(store->list(10, 0)->size(), 2U);  // Ann's two
}

TEST_F(JournaledStoreTest, AnAmendmentWhoseMessageHasGoneIsAppended) {
  const auto store = open();
  ASSERT_TRUE(store->append("ann", {{"user", "What is", "", 0, "{}", "msg_first"}}));
  {
    // Another replica.
    const auto other = open_postgres_store({url_, 1});
    ASSERT_TRUE(*(*other)->reset("ann"));
  }
  go_away();
  ASSERT_TRUE(store->amend("ann", "msg_first", "What is it", "{}"));
  ASSERT_TRUE(store->amend("ann", "msg_first", "What is it?", "{}"));
  come_back();
  attend(*store);
  EXPECT_EQ(stored("ann"), Texts{"What is it?"});
}

TEST_F(JournaledStoreTest, TheDatabaseIsNotAskedAgainBeforeThePauseIsOver) {
  auto counted = options();
  int attempts = 0;
  counted.backoff = {milliseconds(100), milliseconds(1000), 0.0, 1};
  counted.open = [&]() -> Result<std::unique_ptr<ConversationStore>> {
    ++attempts;
    return fail(ErrorCode::kUnavailable, "away");
  };
  const auto store = open(counted);
  EXPECT_EQ(attempts, 1);
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(store->append("ann", {said("x")}));
  store->attend();
  EXPECT_EQ(attempts, 1);
  for (int tick = 0; tick < 10'000; tick += 50) {
    now_ += milliseconds(50);
    store->attend();
  }
  // 0.1, 0.2, 0.4, 0.8 s, then one a second: 13 or so in ten seconds.
  EXPECT_GE(attempts, 11);
  EXPECT_LE(attempts, 14);
}

TEST_F(JournaledStoreTest, AnOutageIsNoticedWithoutATurn) {
  const auto store = open();
  go_away();
  EXPECT_EQ(store->health().state, StoreState::kHealthy);
  attend(*store);
  EXPECT_EQ(store->health().state, StoreState::kDegraded);
}

TEST_F(JournaledStoreTest, AServerThatStandsStillHoldsOneTurnUpAndOnce) {
  const auto store = open();
  ASSERT_TRUE(store->append("ann", {said("before")}));
  const auto seconds_of = [](const std::function<void()>& call) {
    const auto began = std::chrono::steady_clock::now();
    call();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  };
  server_->freeze();
  const double first = seconds_of([&] { EXPECT_TRUE(store->append("ann", {said("during")})); });
  const double second = seconds_of([&] { EXPECT_TRUE(store->append("ann", {said("later")})); });
  server_->thaw();
  // 5 s for the answer, and not as much again for a second attempt.
  EXPECT_LT(first, 8);
  EXPECT_LT(second, 2);
  EXPECT_EQ(store->health().state, StoreState::kDegraded);
  attend(*store);
  EXPECT_EQ(store->health().state, StoreState::kHealthy) << store->health().detail;
  EXPECT_EQ(stored("ann"), (Texts{"before", "during", "later"}));
}

TEST_F(JournaledStoreTest, AUserWhoIsNotLetInAnyMoreIsAnOutage) {
  server_->run_sql(url_, "CREATE ROLE talker LOGIN SUPERUSER");
  std::string url = url_;
  url.replace(url.find("morgan@"), 7, "talker@");
  auto as_talker = options();
  as_talker.open = [url] { return open_postgres_store({url, 10}); };
  const auto store = open(as_talker);
  ASSERT_TRUE(store->append("ann", {said("before")}));
  server_->run_sql(url_,
                   "ALTER ROLE talker NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                   "WHERE usename = 'talker'");
  ASSERT_TRUE(store->append("ann", {said("during")}));
  attend(*store);
  EXPECT_EQ(store->health().state, StoreState::kDegraded);
  EXPECT_EQ(store->waiting(), 1U);
  server_->run_sql(url_, "ALTER ROLE talker LOGIN");
  attend(*store);
  EXPECT_EQ(stored("ann"), (Texts{"before", "during"}));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "home" / "journal.refused"));
}

TEST_F(JournaledStoreTest, AMistakeInTheSetUpEndsTheStart) {
  auto wrong = options();
  wrong.open = [this] { return open_postgres_store({server_->url("nowhere"), 1}); };
  const auto store = JournaledStore::open(wrong, cache_, metrics_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kNotFound);
}

TEST_F(JournaledStoreTest, ADatabaseThatComesBackNewerStaysAwayAndNothingIsLost) {
  ASSERT_TRUE(open_postgres_store({url_, 1}));
  server_->run_sql(url_, "INSERT INTO morgan_migrations (version) VALUES (99)");
  go_away();
  const auto store = open();
  ASSERT_TRUE(store->append("ann", {said("kept")}));
  come_back();
  attend(*store);
  EXPECT_EQ(store->health().state, StoreState::kDegraded);
  EXPECT_NE(store->health().detail.find("newer Morgan"), std::string::npos) << store->health().detail;
  EXPECT_EQ(store->waiting(), 1U);
  server_->run_sql(url_, "DELETE FROM morgan_migrations WHERE version = 99");
  attend(*store);
  EXPECT_EQ(stored("ann"), Texts{"kept"});
}

TEST_F(JournaledStoreTest, AFullJournalSaysSoAndLosesNothingThatWasAcknowledged) {
  auto small = options();
  small.journal_bytes = 1000;
  go_away();
  const auto store = open(small);
  std::size_t taken = 0;
  while (store->append("ann", {said("a message")}))
    ++taken;
  EXPECT_GT(taken, 1U);
  EXPECT_EQ(store->append("ann", {said("x")}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(store->recent("ann", 100)->size(), taken);
  come_back();
  attend(*store);
  EXPECT_EQ(stored("ann").size(), taken);
}

TEST_F(JournaledStoreTest, RestartsOfTheServerUnderLoadLoseAndDoubleNothing) {
  auto with_thread = options();
  with_thread.own_thread = true;
  with_thread.now = std::chrono::steady_clock::now;
  const auto store = open(with_thread);
  constexpr int kUsers = 4;
  std::atomic<bool> enough{false};
  std::array<int, kUsers> said_by{};
  std::vector<std::thread> users;
  for (int user = 0; user < kUsers; ++user) {
    users.emplace_back([&, user] {
      const std::string name = "user" + std::to_string(user);
      while (!enough) {
        const auto taken = store->append(name, {said(std::to_string(said_by[static_cast<std::size_t>(user)]))});
        ASSERT_TRUE(taken) << taken.error().message;
        ++said_by[static_cast<std::size_t>(user)];
      }
    });
  }
  const auto wait_for = [&](StoreState state) {
    const auto end = std::chrono::steady_clock::now() + seconds(10);
    while (store->health().state != state && std::chrono::steady_clock::now() < end)
      std::this_thread::yield();
    EXPECT_EQ(store->health().state, state);
  };
  for (const char* const mode : {"fast", "immediate", "fast"}) {
    go_away(mode);
    wait_for(StoreState::kDegraded);
    come_back();
    wait_for(StoreState::kHealthy);
  }
  enough = true;
  for (auto& user : users)
    user.join();
  wait_for(StoreState::kHealthy);
  for (int user = 0; user < kUsers; ++user) {
    const Texts kept = stored("user" + std::to_string(user));
    ASSERT_EQ(kept.size(), static_cast<std::size_t>(said_by[static_cast<std::size_t>(user)]));
    for (std::size_t i = 0; i < kept.size(); ++i)
      ASSERT_EQ(kept[i], std::to_string(i));
  }
}

}  // namespace
}  // namespace morgan::stores
