#include "stores/journal/journal_file.h"

#include "base/file.h"
#include "test_support/temporary_folder.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace morgan::stores {
namespace {

namespace fs = std::filesystem;
using Records = std::vector<std::string>;

class JournalFileTest : public ::testing::Test {
 protected:
  void SetUp() override { file_ = folder_ / "journal"; }
  std::unique_ptr<JournalFile> open(Records& pending, std::uint64_t most = 1'000'000) {
    pending.clear();
    auto journal = JournalFile::open(file_, most, pending);
    EXPECT_TRUE(journal) << journal.error().message;
    return journal ? std::move(journal).value() : nullptr;
  }
  Records reopened() {
    Records pending;
    open(pending);
    return pending;
  }
  std::string bytes() const { return *read_file(file_, 10'000'000); }
  std::size_t kept_aside() const {
    return static_cast<std::size_t>(
        std::count_if(fs::directory_iterator(folder_.path()), fs::directory_iterator(),
                      [](const auto& entry) { return entry.path().string().find(".damaged-") != std::string::npos; }));
  }

  test_support::TemporaryFolder folder_;
  fs::path file_;
};

TEST_F(JournalFileTest, WhatWasAddedIsThereAtTheNextStartInOrder) {
  Records pending;
  {
    const auto journal = open(pending);
    EXPECT_TRUE(pending.empty());
    for (const char* const record : {"one", "two", "three"})
      ASSERT_TRUE(journal->add(record));
  }
  EXPECT_EQ(reopened(), (Records{"one", "two", "three"}));
}

TEST_F(JournalFileTest, WhatIsDoneDoesNotComeBack) {
  Records pending;
  {
    const auto journal = open(pending);
    for (const char* const record : {"one", "two", "three"})
      ASSERT_TRUE(journal->add(record));
    ASSERT_TRUE(journal->done(2));
  }
  {
    const auto journal = open(pending);
    EXPECT_EQ(pending, Records{"three"});
    ASSERT_TRUE(journal->add("four"));
    ASSERT_TRUE(journal->done(2));
    EXPECT_EQ(fs::file_size(file_), 16U);
    ASSERT_TRUE(journal->add("five"));
  }
  EXPECT_EQ(reopened(), Records{"five"});
}

TEST_F(JournalFileTest, ARecordThatWasBeingWrittenIsDropped) {
  Records pending;
  {
    const auto journal = open(pending);
    ASSERT_TRUE(journal->add("whole"));
    ASSERT_TRUE(journal->add("cut off"));
  }
  const std::string all = bytes();
  for (std::size_t cut = 1; cut < 8 + std::string("cut off").size(); ++cut) {
    ASSERT_TRUE(write_file_atomically(file_, all.substr(0, all.size() - cut)));
    EXPECT_EQ(reopened(), Records{"whole"}) << cut;
  }
  // A file that had grown already, and was not written yet.
  ASSERT_TRUE(write_file_atomically(file_, all + std::string(100, '\0')));
  EXPECT_EQ(reopened(), (Records{"whole", "cut off"}));
  EXPECT_EQ(kept_aside(), 0U);
}

TEST_F(JournalFileTest, AddsBehindWhatWasMended) {
  Records pending;
  {
    const auto journal = open(pending);
    ASSERT_TRUE(journal->add("whole"));
  }
  ASSERT_TRUE(write_file_atomically(file_, bytes() + "half"));
  {
    const auto journal = open(pending);
    ASSERT_TRUE(journal->add("next"));
  }
  EXPECT_EQ(reopened(), (Records{"whole", "next"}));
}

TEST_F(JournalFileTest, ADamagedFileIsKeptAsideAndUsedUpToTheDamage) {
  Records pending;
  {
    const auto journal = open(pending);
    for (const char* const record : {"first", "second", "third"})
      ASSERT_TRUE(journal->add(record));
  }
  std::string damaged = bytes();
  damaged[damaged.find("second")] = 'X';
  ASSERT_TRUE(write_file_atomically(file_, damaged));
  EXPECT_EQ(reopened(), Records{"first"});
  EXPECT_EQ(*read_file(file_.string() + ".damaged-1", 1000), damaged);
}

TEST_F(JournalFileTest, ALengthThatBecameTooLargeIsDamageAndNotAHalfRecord) {
  Records pending;
  {
    const auto journal = open(pending);
    for (const char* const record : {"first", "second", "third"})
      ASSERT_TRUE(journal->add(record));
  }
  const std::string all = bytes();
  std::size_t copies = 0;
  for (const char* const record : {"second", "third"}) {
    std::string damaged = all;
    damaged[damaged.find(record) - 8 + 1] = '\x7f';  // the length's second byte: 32,000 bytes and more
    ASSERT_TRUE(write_file_atomically(file_, damaged));
    EXPECT_EQ(reopened().front(), "first");
    EXPECT_EQ(kept_aside(), ++copies) << record;
    EXPECT_EQ(*read_file(file_.string() + ".damaged-" + std::to_string(copies), 1000), damaged);
  }
}

TEST_F(JournalFileTest, APlaceBeyondTheEndIsDamageUnlessTheJournalIsEmpty) {
  Records pending;
  {
    const auto journal = open(pending);
    ASSERT_TRUE(journal->add("first"));
  }
  std::string damaged = bytes();
  damaged[10] = '\x7f';  // of the place of the first record
  // It ended when it was emptied, and before the place was written.
  ASSERT_TRUE(write_file_atomically(file_, damaged.substr(0, 16)));
  EXPECT_TRUE(reopened().empty());
  EXPECT_EQ(kept_aside(), 0U);
  ASSERT_TRUE(write_file_atomically(file_, damaged));
  EXPECT_TRUE(reopened().empty());
  EXPECT_EQ(*read_file(file_.string() + ".damaged-1", 1000), damaged);
  {
    const auto journal = open(pending);
    ASSERT_TRUE(journal->add("next"));
  }
  EXPECT_EQ(reopened(), Records{"next"});
}

TEST_F(JournalFileTest, AnotherKindOfFileIsKeptAside) {
  ASSERT_TRUE(write_file_atomically(file_, "This is my shopping list, not a journal."));
  EXPECT_TRUE(reopened().empty());
  EXPECT_EQ(*read_file(file_.string() + ".damaged-1", 1000), "This is my shopping list, not a journal.");
}

TEST_F(JournalFileTest, AFullJournalRefusesAndKeepsWhatItHas) {
  Records pending;
  const auto journal = open(pending, 200);
  ASSERT_TRUE(journal->add(std::string(100, 'a')));
  const auto refused = journal->add(std::string(100, 'b'));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(refused.error().message.find("store.journal_mb"), std::string::npos);
  EXPECT_TRUE(journal->add("c"));
}

TEST_F(JournalFileTest, AFullDiskIsReportedAndNothingIsHalfWritten) {
  const pid_t child = ::fork();
  if (child == 0) {
    Records pending;
    auto journal = JournalFile::open(file_, 1'000'000, pending);
    // A file size limit fails the write as a full disk does, in the middle of the record.
    ::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit{500, RLIM_INFINITY};
    if (!journal || !(*journal)->add("before") || ::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    const auto refused = (*journal)->add(std::string(5000, 'x'));
    if (refused || refused.error().code != ErrorCode::kUnavailable) ::_exit(3);
    ::_exit((*journal)->add("after") ? 0 : 4);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
  EXPECT_EQ(reopened(), (Records{"before", "after"}));
}

TEST_F(JournalFileTest, OneProcessAtATimeAndOnlyItsOwnerReadsIt) {
  Records pending;
  const auto journal = open(pending);
  Records other;
  const auto second = JournalFile::open(file_, 1000, other);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_NE(second.error().message.find("MORGAN_HOME"), std::string::npos);
  struct stat status{};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

}  // namespace
}  // namespace morgan::stores
