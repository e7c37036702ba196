// What was acknowledged is there, once and in order, whatever is killed: this process, the database, both. Children are
// forked while the parent has no connection and no thread.
#include "stores/cache/memory_cache.h"
#include "stores/journal/journaled_store.h"
#include "stores/store_test_worlds.h"
#include "test_support/temporary_folder.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

namespace morgan::stores {
namespace {

using test_support::PostgresTestServer;

class JournalDurability : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = PostgresTestServer::shared();
    if (server_ == nullptr) GTEST_SKIP() << "PostgreSQL is not installed; 'make test' installs it";
    url_ = server_->make_database();
  }
  JournaledOptions options(bool own_thread) {
    JournaledOptions options;
    options.open = [url = url_] { return open_postgres_store({url, 4}); };
    options.journal = folder_ / "journal";
    options.own_thread = own_thread;
    return options;
  }

  /// Appends for ever, numbered from `first`; after each append that was acknowledged its number goes down the pipe.
  int append_and_report(long long first, int pipe_end) {
    MemoryCache cache(1'000'000);
    Metrics metrics;
    const auto store = JournaledStore::open(options(true), cache, metrics);
    if (!store) return 2;
    for (long long number = first;; ++number) {
      if (!(*store)->append("ann", {said(std::to_string(number))})) return 3;
      if (::write(pipe_end, &number, sizeof number) != sizeof number) return 4;
    }
  }

  /// Starts a child that appends, lets `wreck` happen once `wanted` appends were acknowledged, and kills it.
  /// @return the last number acknowledged
  long long kill_child(long long first, long long wanted, const std::function<void()>& wreck) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) ::_exit(append_and_report(first, ends[1]));
    ::close(ends[1]);
    long long last = first - 1;
    long long number = 0;
    bool killed = false;
    // Reads on after the kill: what was in the pipe by then was acknowledged too.
    while (::read(ends[0], &number, sizeof number) == sizeof number) {
      last = number;
      if (number < first + wanted || killed) continue;
      wreck();
      ::kill(child, SIGKILL);
      killed = true;
    }
    ::close(ends[0]);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself with " << WEXITSTATUS(status);
    return last;
  }

  PostgresTestServer* server_ = nullptr;
  std::string url_;
  test_support::TemporaryFolder folder_;
};

TEST_F(JournalDurability, KillsOfMorganAndOfTheDatabaseLoseAndDoubleNothing) {
  std::mt19937 chance(7);
  long long next = 0;
  for (int round = 0; round < 8; ++round) {
    const bool outage = round % 2 == 1;
    const auto wreck = [&] {
      if (outage) server_->stop(round % 4 == 1 ? "fast" : "immediate");
    };
    const long long acknowledged = kill_child(next, std::uniform_int_distribution<long long>(5, 60)(chance), wreck);
    if (outage) {
      ASSERT_TRUE(server_->start());
    }
    MemoryCache cache(1'000'000);
    Metrics metrics;
    const auto store = JournaledStore::open(options(false), cache, metrics);
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_EQ((*store)->health().state, StoreState::kHealthy) << (*store)->health().detail;
    const auto page = (*store)->page("ann", 100'000, 0);
    ASSERT_TRUE(page);
    // One more than acknowledged may be there: written, but killed before it could say so.
    ASSERT_GE(page->total, acknowledged + 1);
    ASSERT_LE(page->total, acknowledged + 2);
    for (std::size_t i = 0; i < page->messages.size(); ++i) {
      ASSERT_EQ(page->messages[i].content, std::to_string(i));
      ASSERT_EQ(page->messages[i].sequence, static_cast<long long>(i) + 1);
    }
    next = page->total;
  }
}

}  // namespace
}  // namespace morgan::stores
