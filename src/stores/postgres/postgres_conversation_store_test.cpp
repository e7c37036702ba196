// What is PostgreSQL's own: the server goes, is slow, refuses; the rest is in conversation_store_test.cpp.
#include "stores/postgres/postgres_conversation_store.h"

#include "stores/store_test_worlds.h"

#include <set>

namespace morgan::stores {
namespace {

using test_support::PostgresTestServer;

class PostgresStore : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = PostgresTestServer::shared();
    if (server_ == nullptr) GTEST_SKIP() << "PostgreSQL is not installed; 'make test' installs it";
    url_ = server_->make_database();
  }
  std::unique_ptr<ConversationStore> open(std::size_t connections = 10) {
    auto store = open_postgres_store({url_, connections});
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(store).value() : nullptr;
  }
  PostgresTestServer* server_ = nullptr;
  std::string url_;
};

TEST_F(PostgresStore, GoesOnAfterTheServerWasStartedAgain) {
  const auto store = open();
  ASSERT_TRUE(store->append("ann", {said("before")}));
  server_->stop("fast");
  EXPECT_EQ(store->append("ann", {said("lost")}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(store->recent("ann", 1).error().code, ErrorCode::kUnavailable);
  ASSERT_TRUE(server_->start());
  const auto after = store->append("ann", {said("after")});
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->message_count, 2);
}

TEST_F(PostgresStore, ARestartBetweenTwoCallsIsNotNoticed) {
  const auto store = open();
  ASSERT_TRUE(store->append("ann", {said("before")}));
  server_->stop("fast");
  ASSERT_TRUE(server_->start());
  EXPECT_TRUE(store->append("ann", {said("after")}));
  EXPECT_EQ(store->page("ann", 10, 0)->total, 2);
}

TEST_F(PostgresStore, WhatWasAcknowledgedSurvivesACrashOfTheServer) {
  const auto store = open();
  for (int i = 1; i <= 50; ++i)
    ASSERT_TRUE(store->append("ann", {said(std::to_string(i))}));
  server_->stop("immediate");
  ASSERT_TRUE(server_->start());
  const auto page = store->page("ann", 100, 0);
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->total, 50);
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(page->messages[static_cast<std::size_t>(i)].content, std::to_string(i + 1));
}

TEST_F(PostgresStore, TwoConnectionsServeSixteenThreads) {
  const auto store = open(2);
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        if (!store->append("shared", {said("x")})) ++failures;
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(store->page("shared", 1000, 0)->messages.back().sequence, 160);
}

TEST_F(PostgresStore, NothingListensMeansUnavailable) {
  const auto store = open_postgres_store({"postgresql://morgan@127.0.0.1:9/morgan", 1});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(store.error().message.find("127.0.0.1:9/morgan"), std::string::npos) << store.error().message;
}

TEST_F(PostgresStore, ADatabaseThatDoesNotExistSaysWhatToDo) {
  const auto store = open_postgres_store({server_->url("nowhere"), 1});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kNotFound) << store.error().message;
  EXPECT_NE(store.error().message.find("createdb"), std::string::npos);
}

TEST_F(PostgresStore, AUserThatDoesNotExistIsRefused) {
  std::string url = url_;
  url.replace(url.find("morgan@"), 7, "stranger:hush@");
  const auto store = open_postgres_store({url, 1});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kUnauthorized) << store.error().message;
  EXPECT_EQ(store.error().message.find("hush"), std::string::npos);
}

TEST_F(PostgresStore, AUserWhoMayNotCreateTablesIsTold) {
  server_->run_sql(url_, "CREATE ROLE poor LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
  std::string url = url_;
  url.replace(url.find("morgan@"), 7, "poor@");
  const auto store = open_postgres_store({url, 1});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kUnauthorized) << store.error().message;
  EXPECT_NE(store.error().message.find("owner"), std::string::npos);
}

TEST_F(PostgresStore, AnAddressThatIsNoneDoesNotShowThePassword) {
  const auto checked = check_postgres_url("postgresql://ann:hush@[::1");
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(checked.error().message.find("hush"), std::string::npos);
}

TEST_F(PostgresStore, AReadOnlyDatabaseIsUnavailable) {
  open();
  server_->run_sql(url_, "ALTER ROLE morgan SET default_transaction_read_only = on");
  const auto refused = open()->append("ann", {said("x")});
  server_->run_sql(url_ + "?options=-cdefault_transaction_read_only%3Doff",
                   "ALTER ROLE morgan RESET default_transaction_read_only");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(refused.error().message.find("read-only"), std::string::npos) << refused.error().message;
}

TEST_F(PostgresStore, WhatIsAcknowledgedIsSyncedWhateverTheServersDefault) {
  server_->run_sql(url_, "ALTER ROLE morgan SET synchronous_commit = off");
  const auto store = open(1);
  ASSERT_TRUE(store->append("ann", {said("x")}));
  server_->run_sql(url_, "ALTER ROLE morgan RESET synchronous_commit");
  server_->stop("immediate");
  ASSERT_TRUE(server_->start());
  EXPECT_EQ(store->page("ann", 1, 0)->total, 1);
}

}  // namespace
}  // namespace morgan::stores
