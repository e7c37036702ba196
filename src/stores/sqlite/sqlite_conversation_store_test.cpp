#include "stores/sqlite/sqlite_conversation_store.h"

#include "base/file.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <set>

namespace morgan::stores {
namespace {

namespace fs = std::filesystem;

class SqliteStore : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "morgan-store-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    file_ = folder_ / "data" / "morgan.db";
  }
  void TearDown() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

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

  fs::path folder_;
  fs::path file_;
};

StoredMessage said(std::string content) {
  return {"user", std::move(content), "", 0, "{}"};
}

std::vector<std::string> contents(const std::vector<StoredMessage>& messages) {
  std::vector<std::string> texts;
  for (const auto& message : messages)
    texts.push_back(message.content);
  return texts;
}

TEST_F(SqliteStore, AConversationSurvivesReopening) {
  std::string conversation_id;
  {
    const auto store = open();
    const auto first = store->append("ann", {said("hello"), {"assistant", "hi there", "", 0, R"({"model":"m"})"}});
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(first->message_count, 2);
    conversation_id = first->conversation_id;
  }
  const auto store = open();
  const auto messages = store->recent("ann", 10);
  ASSERT_TRUE(messages);
  ASSERT_EQ(messages->size(), 2U);
  EXPECT_EQ((*messages)[0].role, "user");
  EXPECT_EQ((*messages)[0].sequence, 1);
  EXPECT_EQ((*messages)[1].content, "hi there");
  EXPECT_EQ((*messages)[1].sequence, 2);
  EXPECT_EQ((*messages)[1].metadata, R"({"model":"m"})");
  EXPECT_EQ((*messages)[1].created_at.size(), std::string("2026-01-01T00:00:00.000Z").size());
  const auto more = store->append("ann", {said("again")});
  ASSERT_TRUE(more);
  EXPECT_EQ(more->conversation_id, conversation_id);
  EXPECT_EQ(more->message_count, 3);
}

TEST_F(SqliteStore, UnknownUsersHaveNothing) {
  const auto store = open();
  EXPECT_TRUE(store->recent("nobody", 5)->empty());
  EXPECT_EQ(store->page("nobody", 5, 0)->total, 0);
  EXPECT_FALSE(*store->reset("nobody"));
  EXPECT_EQ(*store->erase("nobody"), 0);
  EXPECT_TRUE(store->list(10, 0)->empty());
}

TEST_F(SqliteStore, PagesFromTheOldestAndRecentFromTheNewest) {
  const auto store = open();
  for (int i = 1; i <= 7; ++i)
    ASSERT_TRUE(store->append("ann", {said(std::to_string(i))}));
  ASSERT_TRUE(store->append("bob", {said("other")}));
  EXPECT_EQ(contents(*store->recent("ann", 3)), (std::vector<std::string>{"5", "6", "7"}));
  EXPECT_TRUE(store->recent("ann", -1)->empty());
  const auto page = store->page("ann", 3, 2);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->total, 7);
  EXPECT_EQ(contents(page->messages), (std::vector<std::string>{"3", "4", "5"}));
  EXPECT_EQ(contents(store->page("ann", 100, 6)->messages), (std::vector<std::string>{"7"}));
  EXPECT_TRUE(store->page("ann", 100, 7)->messages.empty());
  EXPECT_TRUE(store->page("ann", -5, -5)->messages.empty());
}

TEST_F(SqliteStore, ListsNewestFirst) {
  const auto store = open();
  for (const char* const user : {"a", "b", "c"})
    ASSERT_TRUE(store->append(user, {said("x")}));
  ASSERT_TRUE(store->append("a", {said("y")}));
  const auto all = store->list(10, 0);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 3U);
  EXPECT_TRUE(std::is_sorted(all->begin(), all->end(),
                             [](const auto& x, const auto& y) { return x.updated_at > y.updated_at; }));
  std::set<std::string> paged;
  for (int i = 0; i < 3; ++i)
    paged.insert((*store->list(1, i))[0].user_id);
  EXPECT_EQ(paged, (std::set<std::string>{"a", "b", "c"}));
}

TEST_F(SqliteStore, ResetKeepsTheOldConversationAndStartsANewOne) {
  const auto store = open();
  const auto first = store->append("ann", {said("one"), said("two")});
  ASSERT_TRUE(*store->reset("ann"));
  EXPECT_TRUE(store->recent("ann", 10)->empty());
  EXPECT_FALSE(*store->reset("ann"));
  const auto second = store->append("ann", {said("three")});
  ASSERT_TRUE(second);
  EXPECT_NE(second->conversation_id, first->conversation_id);
  EXPECT_EQ(second->message_count, 1);
  EXPECT_EQ(store->list(10, 0)->size(), 2U);
  EXPECT_EQ(*store->erase("ann"), 3);
  EXPECT_TRUE(store->list(10, 0)->empty());
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

TEST_F(SqliteStore, KeepsOddTextExactly) {
  const auto store = open();
  const std::vector<std::string> odd{"Robert'); DROP TABLE messages;--",
                                     "\"quoted\" 'user'",
                                     "\u5f20\u4f1f \U0001F600",
                                     "",
                                     " ",
                                     "../../etc/passwd",
                                     std::string("a\0b", 3),
                                     "%_?1",
                                     "e\u0301 \u202e rtl",
                                     std::string(100'000, 'x')};
  for (const auto& text : odd)
    ASSERT_TRUE(store->append(text, {said(text)}));
  for (const auto& text : odd) {
    const auto messages = store->recent(text, 10);
    ASSERT_TRUE(messages);
    ASSERT_EQ(messages->size(), 1U) << text.substr(0, 40);
    EXPECT_EQ((*messages)[0].content, text);
  }
  EXPECT_EQ(store->list(100, 0)->size(), odd.size());
}

TEST_F(SqliteStore, RefusesMessagesThatAreNone) {
  const auto store = open();
  EXPECT_EQ(store->append("ann", {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(store->append("ann", {said("fine"), {"wizard", "x", "", 0, "{}"}}).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_TRUE(store->recent("ann", 10)->empty());
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

TEST_F(SqliteStore, EightThreadsLoseNothing) {
  const auto store = open();
  constexpr int kThreads = 8;
  constexpr int kEach = 40;
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::string own = "user" + std::to_string(t);
      for (int i = 1; i <= kEach; ++i) {
        if (!store->append("shared", {said(own)}) || !store->append(own, {said(std::to_string(i))})) ++failures;
        const auto mine = store->recent(own, 1);
        if (!mine || mine->size() != 1 || (*mine)[0].sequence != i) ++failures;
        const auto page = store->page("shared", 1000, 0);
        if (!page || static_cast<long long>(page->messages.size()) != page->total) ++failures;
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(failures, 0);
  const auto shared = store->page("shared", 1000, 0);
  ASSERT_TRUE(shared);
  ASSERT_EQ(shared->messages.size(), static_cast<std::size_t>(kThreads * kEach));
  for (std::size_t i = 0; i < shared->messages.size(); ++i) {
    ASSERT_EQ(shared->messages[i].sequence, static_cast<long long>(i) + 1);
  }
}

}  // namespace
}  // namespace morgan::stores
