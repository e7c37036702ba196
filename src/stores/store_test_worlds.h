// The databases on which the suite of conversation_store_test.cpp runs, each real and empty.
#pragma once

#include "stores/cache/memory_cache.h"
#include "stores/conversation_store.h"
#include "stores/journal/journaled_store.h"
#include "stores/postgres/postgres_conversation_store.h"
#include "stores/sqlite/sqlite_conversation_store.h"
#include "test_support/postgres_test_server.h"
#include "test_support/temporary_folder.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

namespace morgan::stores {

/// An empty database of one kind.
class StoreWorld {
 public:
  virtual ~StoreWorld() = default;
  virtual Result<std::unique_ptr<ConversationStore>> try_open() = 0;
  /// Runs SQL from outside, as another program would.
  virtual void run_sql(const std::string& sql) = 0;
  /// SQL that makes it a database of a Morgan of the future.
  virtual std::string sql_of_the_future() const = 0;
};

class SqliteWorld final : public StoreWorld {
 public:
  Result<std::unique_ptr<ConversationStore>> try_open() override { return open_sqlite_store(folder_ / "morgan.db"); }
  void run_sql(const std::string& sql) override {
    sqlite3* raw = nullptr;
    EXPECT_EQ(sqlite3_open((folder_ / "morgan.db").c_str(), &raw), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(raw);
    sqlite3_close(raw);
  }
  std::string sql_of_the_future() const override { return "PRAGMA user_version = 99"; }

 private:
  test_support::TemporaryFolder folder_;
};

class PostgresWorld : public StoreWorld {
 public:
  PostgresWorld() : server_(*test_support::PostgresTestServer::shared()), url_(server_.make_database()) {}
  Result<std::unique_ptr<ConversationStore>> try_open() override { return open_postgres_store({url_, 10}); }
  void run_sql(const std::string& sql) override { EXPECT_EQ(server_.run_sql(url_, sql), ""); }
  std::string sql_of_the_future() const override { return "INSERT INTO morgan_migrations (version) VALUES (99)"; }
  const std::string& url() const { return url_; }

 private:
  test_support::PostgresTestServer& server_;
  const std::string url_;
};

/// PostgreSQL behind a journal, each store with one of its own, as each Morgan has.
class JournaledWorld final : public PostgresWorld {
 public:
  Result<std::unique_ptr<ConversationStore>> try_open() override {
    JournaledOptions options;
    options.open = [url = url()] { return open_postgres_store({url, 10}); };
    options.journal = folder_ / std::to_string(++opened_);
    MORGAN_TRY(auto store, JournaledStore::open(std::move(options), cache_, metrics_));
    std::unique_ptr<ConversationStore> opened = std::move(store);
    return opened;
  }

 private:
  test_support::TemporaryFolder folder_;
  std::atomic<int> opened_{0};
  MemoryCache cache_{10'000'000};
  Metrics metrics_;
};

inline StoredMessage said(std::string content) {
  return {"user", std::move(content), "", 0, "{}"};
}

inline std::vector<std::string> contents(const std::vector<StoredMessage>& messages) {
  std::vector<std::string> texts;
  for (const auto& message : messages)
    texts.push_back(message.content);
  return texts;
}

}  // namespace morgan::stores
