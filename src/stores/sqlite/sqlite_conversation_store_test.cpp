#include "stores/sqlite/sqlite_conversation_store.h"

#include "base/file.h"
#include "test_support/temporary_folder.h"

#include <sqlite3.h>
#include <sys/stat.h>

namespace morgan::stores {
namespace {

namespace fs = std::filesystem;

class SqliteStore : public ::testing::Test {
 protected:
  void SetUp() override { file_ = folder_ / "data" / "morgan.db"; }

  std::unique_ptr<ConversationStore> open() {
    auto store = open_sqlite_store(file_);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(store).value() : nullptr;
  }

  /// Runs SQL on the file from outside, as another program would.
  void run_sql(const std::string& sql) {
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open(file_.c_str(), &raw), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(raw);
    sqlite3_close(raw);
  }

  test_support::TemporaryFolder folder_;
  fs::path file_;
};

StoredMessage said(std::string content) {
  return {"user", std::move(content), "", 0, "{}"};
}

TEST_F(SqliteStore, ErasedWordsAreNoLongerInAnyFile) {
  const auto store = open();
  const std::string secret = "the-password-is-swordfish";
  ASSERT_TRUE(store->append("ann", {said(secret)}));
  ASSERT_TRUE(store->append("bob", {said("kept")}));
  EXPECT_EQ(*store->erase("ann"), 1);
  std::string bytes;
  for (const auto& entry : fs::directory_iterator(file_.parent_path())) {
    bytes += *read_file(entry.path(), 100'000'000);
  }
  EXPECT_NE(bytes.find("kept"), std::string::npos);
  EXPECT_EQ(bytes.find(secret), std::string::npos);
}

TEST_F(SqliteStore, GarbageIsCorruptAndLeftAlone) {
  fs::create_directories(file_.parent_path());
  std::string garbage = "This is certainly not a database. ";
  garbage.resize(5000, '?');
  ASSERT_TRUE(write_file_atomically(file_, garbage));
  const auto store = open_sqlite_store(file_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(store.error().message.find(file_.string()), std::string::npos);
  EXPECT_EQ(*read_file(file_, 100'000), garbage);
}

TEST_F(SqliteStore, ADatabaseOfANewerMorganIsRefused) {
  open();
  run_sql("PRAGMA user_version = 99");
  const auto store = open_sqlite_store(file_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(store.error().message.find("newer Morgan"), std::string::npos);
}

TEST_F(SqliteStore, AnotherProgramsDatabaseIsRefused) {
  fs::create_directories(file_.parent_path());
  run_sql("CREATE TABLE recipes (name TEXT)");
  const auto store = open_sqlite_store(file_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(store.error().message.find("another program"), std::string::npos);
}

TEST_F(SqliteStore, DamageFoundLaterIsAnErrorNotACrash) {
  {
    const auto store = open();
    for (int i = 0; i < 200; ++i)
      ASSERT_TRUE(store->append("ann", {said(std::string(2000, 'y'))}));
  }
  std::string bytes = *read_file(file_, 100'000'000);
  ASSERT_GT(bytes.size(), 100'000U);
  std::fill(bytes.begin() + 4096, bytes.end(), '\x5a');
  ASSERT_TRUE(write_file_atomically(file_, bytes));
  const auto store = open_sqlite_store(file_);
  ASSERT_TRUE(store);
  EXPECT_EQ((*store)->recent("ann", 10).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ((*store)->append("ann", {said("x")}).error().code, ErrorCode::kCorrupt);
}

TEST_F(SqliteStore, AnImpossibleFolderSaysWhatToDo) {
  ASSERT_TRUE(write_file_atomically(folder_ / "file", "x"));
  const auto store = open_sqlite_store(folder_ / "file" / "morgan.db");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(store.error().message.find("choose a folder"), std::string::npos);
}

TEST_F(SqliteStore, OnlyTheOwnerMayReadTheFiles) {
  const auto store = open();
  ASSERT_TRUE(store->append("ann", {said("x")}));
  for (const auto& entry : fs::directory_iterator(file_.parent_path())) {
    struct stat status{};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << entry.path();
  }
}

TEST_F(SqliteStore, PingNoticesThatTheFileHasGone) {
  const auto store = open();
  EXPECT_TRUE(store->ping());
  EXPECT_NE(store->description().find("sqlite"), std::string::npos);
  fs::remove_all(file_.parent_path());
  EXPECT_EQ(store->ping().error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace morgan::stores
