// What is PostgreSQL's own: several Morgans over one database, and a server that is away.
#include "stores/postgres/postgres_memory_store.h"

#include "stores/memory_store_test_support.h"
#include "test_support/postgres_test_server.h"

#include <thread>

namespace morgan::stores {

namespace {

using test_support::PostgresTestServer;

class PostgresMemories : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = PostgresTestServer::shared();
    if (server_ == nullptr) GTEST_SKIP() << "PostgreSQL is not installed; 'make test' installs it";
    url_ = server_->make_database();
    ASSERT_TRUE(open_postgres_store({url_, 2}));
  }
  std::unique_ptr<MemoryStore> open() { return open_postgres_memory_store({url_, 4}).value(); }

  PostgresTestServer* server_ = nullptr;
  std::string url_;
};

TEST_F(PostgresMemories, WhatAnotherMorganWritesIsFound) {
  const auto here = open();
  const auto there = open();
  const StoredMemory tea = here->add(fact("tea"), vector_of(1, 0, 0)).value();
  EXPECT_EQ(contents(*there->nearest("ada", vector_of(1, 0, 0), 5)), Texts{"tea"});
  ASSERT_TRUE(there->add(fact("rain"), vector_of(0, 1, 0)));
  EXPECT_EQ(contents(*here->nearest("ada", vector_of(0, 1, 0), 1)), Texts{"rain"});
  StoredMemory changed = tea;
  changed.content = "coffee";
  ASSERT_TRUE(here->change(changed, vector_of(0, 0, 1)));
  EXPECT_EQ(contents(*there->nearest("ada", vector_of(0, 0, 1), 1)), Texts{"coffee"});
  EXPECT_TRUE(*there->remove("ada", tea.memory_id));
  EXPECT_EQ(contents(*here->nearest("ada", vector_of(0, 0, 1), 5)), Texts{"rain"});
  EXPECT_EQ(*here->erase("ada"), 1);
  ASSERT_TRUE(here->add(fact("snow"), vector_of(1, 1, 0)));
  EXPECT_EQ(contents(*there->nearest("ada", vector_of(1, 1, 0), 5)), Texts{"snow"});
}

TEST_F(PostgresMemories, ManyWritersLoseNothing) {
  constexpr int kWriters = 4;
  constexpr int kEach = 25;
  const auto store = open();
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&store] {
      for (int i = 0; i < kEach; ++i)
        ASSERT_TRUE(store->add(fact("same"), vector_of(1, 0, 0)));
    });
  }
  for (std::thread& writer : writers)
    writer.join();
  EXPECT_EQ(store->page("ada", 1, 0)->total, kWriters * kEach);
  EXPECT_EQ(store->nearest("ada", vector_of(1, 0, 0), 1'000)->size(), static_cast<std::size_t>(kWriters * kEach));
}

TEST_F(PostgresMemories, AServerThatIsAwayIsToldAndComesBack) {
  const auto store = open();
  ASSERT_TRUE(store->add(fact("tea"), vector_of(1, 0, 0)));
  server_->stop("fast");
  EXPECT_EQ(store->add(fact("lost"), vector_of(1, 0, 0)).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(store->nearest("ada", vector_of(1, 0, 0), 5).error().code, ErrorCode::kUnavailable);
  ASSERT_TRUE(server_->start());
  Result<std::vector<FoundMemory>> found = store->nearest("ada", vector_of(1, 0, 0), 5);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!found && std::chrono::steady_clock::now() < until) {  // it is not asked again at once
    std::this_thread::yield();
    found = store->nearest("ada", vector_of(1, 0, 0), 5);
  }
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(contents(*found), Texts{"tea"});
}

TEST_F(PostgresMemories, WithoutTablesItIsAway) {
  const auto store = open_postgres_memory_store({server_->make_database(), 2}).value();
  EXPECT_EQ(store->page("ada", 10, 0).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(open_postgres_memory_store({"mysql://x", 2}).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace

}  // namespace morgan::stores
