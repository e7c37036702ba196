// What was acknowledged is there, whatever ends or disturbs the process. Children are forked before the
// parent opens the database: SQLite's connections may not be carried across fork.
#include "stores/sqlite/sqlite_conversation_store.h"
#include "test_support/temporary_folder.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace morgan::stores {
namespace {

namespace fs = std::filesystem;

class SqliteDurability : public ::testing::Test {
 protected:
  void SetUp() override { file_ = folder_ / "morgan.db"; }
  test_support::TemporaryFolder folder_;
  fs::path file_;
};

StoredMessage said(std::string content) {
  return {"user", std::move(content), "", 0, "{}"};
}

/// Runs `work` in a child whose exit status is what it returns.
template <typename Work>
pid_t in_child(Work work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  return child;
}

int exit_status(pid_t child) {
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Appends for ever; after each append that was acknowledged its number goes down the pipe.
int append_and_report(const fs::path& file, int pipe_end) {
  auto store = open_sqlite_store(file);
  if (!store) return 2;
  for (long long i = 1;; ++i) {
    const auto stored = (*store)->append("ann", {said("message " + std::to_string(i) + std::string(700, '.'))});
    if (!stored) return 3;
    const long long number = stored->message_count;
    if (::write(pipe_end, &number, sizeof number) != sizeof number) return 4;
  }
}

/// Kills a child that appends once it has reported `wanted` messages. @return the last one acknowledged
long long kill_after(const fs::path& file, long long wanted) {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = in_child([&] { return append_and_report(file, ends[1]); });
  ::close(ends[1]);
  long long last = 0;
  long long number = 0;
  bool killed = false;
  // Reads on after the kill: what was in the pipe by then was acknowledged too.
  while (::read(ends[0], &number, sizeof number) == sizeof number) {
    last = number;
    if (number >= wanted && !killed) {
      ::kill(child, SIGKILL);
      killed = true;
    }
  }
  ::close(ends[0]);
  EXPECT_EQ(exit_status(child), 128 + SIGKILL);
  return last;
}

TEST_F(SqliteDurability, KillInTheMiddleOfAppendsLosesNothingAcknowledged) {
  long long acknowledged = 0;
  for (int round = 0; round < 5; ++round) {
    acknowledged = kill_after(file_, acknowledged + 37 + 20 * round);
    const auto store = open_sqlite_store(file_);
    ASSERT_TRUE(store) << store.error().message;
    const auto page = (*store)->page("ann", 1'000'000, 0);
    ASSERT_TRUE(page);
    // One more than acknowledged may be there: written, but killed before it could say so.
    EXPECT_GE(page->total, acknowledged);
    EXPECT_LE(page->total, acknowledged + 1);
    ASSERT_EQ(static_cast<long long>(page->messages.size()), page->total);
    for (std::size_t i = 0; i < page->messages.size(); ++i) {
      ASSERT_EQ(page->messages[i].sequence, static_cast<long long>(i) + 1);
      ASSERT_EQ(page->messages[i].content.substr(0, 8), "message ");
      ASSERT_EQ(page->messages[i].content.back(), '.');
    }
    acknowledged = page->total;
  }
}

TEST_F(SqliteDurability, ProcessesShareOneFile) {
  constexpr int kProcesses = 3;
  constexpr int kEach = 60;
  std::vector<pid_t> children;
  for (int process = 0; process < kProcesses; ++process) {
    children.push_back(in_child([&] {
      // All of them find no file, so the migration is raced too.
      auto store = open_sqlite_store(file_);
      if (!store) return 2;
      for (int i = 0; i < kEach; ++i) {
        if (!(*store)->append("shared", {said(std::to_string(process))})) return 3;
      }
      return 0;
    }));
  }
  for (const pid_t child : children)
    EXPECT_EQ(exit_status(child), 0);
  const auto store = open_sqlite_store(file_);
  ASSERT_TRUE(store);
  const auto page = (*store)->page("shared", 1000, 0);
  ASSERT_EQ(page->total, kProcesses * kEach);
  for (std::size_t i = 0; i < page->messages.size(); ++i) {
    ASSERT_EQ(page->messages[i].sequence, static_cast<long long>(i) + 1);
  }
  EXPECT_EQ((*store)->list(10, 0)->size(), 1U);
}

TEST_F(SqliteDurability, AFileThatMayNotBeWrittenIsRefusedAndSaysWhatToDo) {
  {
    ASSERT_TRUE((*open_sqlite_store(file_))->append("ann", {said("before")}));
  }
  for (const auto& entry : fs::directory_iterator(folder_.path()))
    ASSERT_EQ(::chmod(entry.path().c_str(), 0444), 0);
  ASSERT_EQ(::chmod(folder_.path().c_str(), 0555), 0);
  const pid_t child = in_child([&] {
    // Nothing is read-only for root.
    constexpr uid_t kNobody = 65534;
    if (::getuid() == 0 && ::setuid(kNobody) != 0) return 2;
    const auto store = open_sqlite_store(file_);
    if (store || store.error().code != ErrorCode::kUnavailable) return 3;
    return store.error().message.find("this user may write") != std::string::npos ? 0 : 4;
  });
  EXPECT_EQ(exit_status(child), 0);
  ASSERT_EQ(::chmod(folder_.path().c_str(), 0755), 0);
  for (const auto& entry : fs::directory_iterator(folder_.path()))
    ASSERT_EQ(::chmod(entry.path().c_str(), 0600), 0);
  EXPECT_EQ((*open_sqlite_store(file_))->page("ann", 1, 0)->total, 1);
}

TEST_F(SqliteDurability, AFullDiskIsReportedAndNothingIsHalfWritten) {
  const pid_t child = in_child([&] {
    auto store = open_sqlite_store(file_);
    if (!store || !(*store)->append("ann", {said("before")})) return 2;
    // A file size limit fails the write as a full disk does.
    ::signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    const rlim_t unlimited = limit.rlim_cur;
    limit.rlim_cur = 300'000;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto refused = (*store)->append("ann", {said("small"), said(std::string(2'000'000, 'z'))});
    if (refused || refused.error().code != ErrorCode::kUnavailable) return 3;
    if ((*store)->recent("ann", 10)->size() != 1) return 4;
    limit.rlim_cur = unlimited;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto after = (*store)->append("ann", {said("after")});
    return after && after->message_count == 2 ? 0 : 5;
  });
  EXPECT_EQ(exit_status(child), 0);
}

}  // namespace
}  // namespace morgan::stores
