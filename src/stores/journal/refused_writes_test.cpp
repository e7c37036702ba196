#include "stores/journal/refused_writes.h"

#include "base/file.h"
#include "test_support/temporary_folder.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace morgan::stores {
namespace {

namespace fs = std::filesystem;

class RefusedWrites : public ::testing::Test {
 protected:
  void SetUp() override { file_ = folder_ / "writes.refused"; }
  test_support::TemporaryFolder folder_;
  fs::path file_;
};

TEST_F(RefusedWrites, AreLinesThatOnlyTheOwnerReads) {
  ASSERT_TRUE(write_file_atomically(file_, "of before\n", 0644));
  ASSERT_TRUE(keep_refused(file_, "one"));
  ASSERT_TRUE(keep_refused(file_, "two"));
  EXPECT_EQ(*read_file(file_, 1000), "of before\none\ntwo\n");
  struct stat status{};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(RefusedWrites, AFullDiskIsAnErrorAndLeavesNoHalfLine) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit{100, RLIM_INFINITY};
    if (!keep_refused(file_, "whole") || ::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    const auto refused = keep_refused(file_, std::string(500, 'x'));
    ::_exit(!refused && refused.error().code == ErrorCode::kUnavailable ? 0 : 3);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
  EXPECT_EQ(*read_file(file_, 1000), "whole\n");
}

TEST_F(RefusedWrites, AFolderThatIsNotThereIsAnError) {
  const auto refused = keep_refused(folder_ / "none" / "writes.refused", "one");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace morgan::stores
