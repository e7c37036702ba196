#include "stores/sqlite/sqlite_memory_store.h"

#include "stores/memory_store_test_support.h"
#include "stores/sqlite/sqlite_conversation_store.h"
#include "test_support/temporary_folder.h"

#include <gtest/gtest.h>

#include <fstream>

namespace morgan::stores {

namespace {

namespace fs = std::filesystem;

class SqliteMemories : public ::testing::Test {
 protected:
  std::unique_ptr<MemoryStore> open() {
    auto store = open_sqlite_memory_store(folder_ / "data" / "morgan.db");
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }

  test_support::TemporaryFolder folder_;
};

TEST_F(SqliteMemories, ErasingLeavesNothingOfTheTextInTheFiles) {
  const auto store = open();
  ASSERT_TRUE(store->add(fact("xylophone collection"), vector_of(1, 0, 0)));
  ASSERT_FALSE(store->nearest("ada", vector_of(1, 0, 0), 1)->empty());
  EXPECT_EQ(*store->erase("ada"), 1);
  EXPECT_TRUE(store->nearest("ada", vector_of(1, 0, 0), 1)->empty());
  for (const auto& file : fs::directory_iterator(folder_ / "data")) {
    std::ifstream stream(file.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
    EXPECT_EQ(bytes.find("xylophone"), std::string::npos) << file.path();
  }
}

TEST_F(SqliteMemories, LivesInTheSameFileAsTheConversations) {
  const auto conversations = open_sqlite_store(folder_ / "data" / "morgan.db");
  const auto memories = open();
  ASSERT_TRUE(conversations);
  ASSERT_TRUE((*conversations)->append("ada", {{"user", "Hello.", "", 0, "{}"}}));
  ASSERT_TRUE(memories->add(fact("My dog is called Rex."), vector_of(1, 0, 0)));
  ASSERT_TRUE((*conversations)->append("ada", {{"assistant", "Hello.", "", 0, "{}"}}));
  EXPECT_EQ((*conversations)->page("ada", 10, 0)->total, 2);
  EXPECT_EQ(memories->page("ada", 10, 0)->total, 1);
}

}  // namespace

}  // namespace morgan::stores
