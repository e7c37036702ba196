#include "stores/sqlite/sqlite_item_store.h"

#include "base/file.h"
#include "test_support/temporary_folder.h"

namespace morgan::stores {
namespace {

namespace fs = std::filesystem;

class SqliteItems : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void TearDown() override { items_.reset(); }
  void open() {
    items_.reset();
    auto opened = open_sqlite_items(folder_ / "morgan.db");
    ASSERT_TRUE(opened) << opened.error().message;
    items_ = std::move(*opened);
  }
  std::string bodies(const std::string& kind, const std::string& user) {
    std::string text;
    const auto items = items_->list(kind, user);
    EXPECT_TRUE(items);
    for (const StoredItem& item : *items)
      text += item.user_id + item.id + item.body;
    return text;
  }

  test_support::TemporaryFolder folder_;
  std::unique_ptr<ItemStore> items_;
};

TEST_F(SqliteItems, AreThereAfterReopeningInTheOrderTheyWereAdded) {
  ASSERT_TRUE(items_->put({{"note", "b", "ann", "{1}", ""}, {"note", "a", "ann", "{2}", ""}}));
  ASSERT_TRUE(items_->put({{"note", "c", "bob", "{3}", ""}, {"list", "a", "ann", "{4}", ""}}));
  ASSERT_TRUE(items_->put({{"note", "b", "ann", "{changed}", ""}}));
  open();
  EXPECT_EQ(bodies("note", "ann"), "annb{changed}anna{2}");
  EXPECT_EQ(bodies("note", ""), "annb{changed}anna{2}bobc{3}");
  EXPECT_EQ(bodies("timer", ""), "");
  EXPECT_EQ((*items_->list("list", "ann"))[0].created_at.size(), std::string("2026-01-01T00:00:00.000Z").size());
  EXPECT_EQ(*items_->remove("note", {"b", "c", "nothing"}), 2);
  EXPECT_EQ(bodies("note", ""), "anna{2}");
}

TEST_F(SqliteItems, NobodyFillsTheDisk) {
  std::vector<StoredItem> many;
  for (long long i = 0; i < ItemStore::kMostItems; ++i)
    many.push_back({"list", std::to_string(i), "ann", "{}", ""});
  ASSERT_TRUE(items_->put(many));
  const auto refused = items_->put({{"list", "one more", "ann", "{}", ""}});
  EXPECT_EQ(refused.error().code, ErrorCode::kOverloaded);
  EXPECT_TRUE(items_->put({{"list", "0", "ann", "{changed}", ""}, {"list", "of bob", "bob", "{}", ""}}));
  EXPECT_EQ(static_cast<long long>(items_->list("list", "ann")->size()), ItemStore::kMostItems);
}

TEST_F(SqliteItems, ErasedOnesAreNoLongerInAnyFile) {
  const std::string secret = "the-key-is-under-the-pot";
  ASSERT_TRUE(items_->put({{"note", "a", "ann", secret, ""}, {"note", "b", "bob", "{}", ""}}));
  EXPECT_EQ(*items_->erase("ann"), 1);
  EXPECT_EQ(*items_->erase("ann"), 0);
  EXPECT_EQ(bodies("note", ""), "bobb{}");
  for (const auto& entry : fs::directory_iterator(folder_.path()))
    EXPECT_EQ(read_file(entry.path(), 100'000'000)->find(secret), std::string::npos) << entry.path();
}

}  // namespace
}  // namespace morgan::stores
