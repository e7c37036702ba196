#include "stores/sqlite/sqlite_memory_store.h"

#include "stores/sqlite/sqlite_conversation_store.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

namespace morgan::stores {

namespace {

namespace fs = std::filesystem;

class SqliteMemories : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "morgan-memories-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  std::unique_ptr<MemoryStore> open() {
    auto store = open_sqlite_memory_store(folder_ / "data" / "morgan.db");
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }

  fs::path folder_;
};

MemoryVector vector_of(float x, float y, float z, std::string model = "test") {
  return {std::move(model), {x, y, z}};
}

StoredMemory fact(std::string content, std::string user = "ada") {
  StoredMemory memory;
  memory.user_id = std::move(user);
  memory.content = std::move(content);
  return memory;
}

std::vector<std::string> contents(const std::vector<FoundMemory>& found) {
  std::vector<std::string> texts;
  for (const FoundMemory& each : found)
    texts.push_back(each.memory.content);
  return texts;
}

using Texts = std::vector<std::string>;

TEST_F(SqliteMemories, WhatWasAddedIsThereAfterReopening) {
  StoredMemory memory = fact("My dog is called Rex.");
  memory.category = "family";
  memory.importance = 8;
  memory.source = "Remember that my dog is called Rex.";
  const StoredMemory added = open()->add(memory, vector_of(1, 0, 0)).value();
  EXPECT_TRUE(added.memory_id.starts_with("mem_"));
  const auto store = open();
  const StoredMemory kept = store->get("ada", added.memory_id).value();
  EXPECT_EQ(kept.content, "My dog is called Rex.");
  EXPECT_EQ(kept.category, "family");
  EXPECT_EQ(kept.importance, 8);
  EXPECT_EQ(kept.source, "Remember that my dog is called Rex.");
  EXPECT_EQ(kept.created_at, added.created_at);
  const auto found = store->nearest("ada", vector_of(1, 0.1F, 0), 5).value();
  EXPECT_EQ(contents(found), Texts{"My dog is called Rex."});
  EXPECT_GT(found[0].score, 0.98F);
}

TEST_F(SqliteMemories, SearchKnowsWhatWasAddedChangedAndRemovedMeanwhile) {
  const auto store = open();
  const std::string tea = store->add(fact("tea"), vector_of(1, 0, 0))->memory_id;
  EXPECT_EQ(contents(*store->nearest("ada", vector_of(1, 0, 0), 5)), Texts{"tea"});
  const std::string rain = store->add(fact("rain"), vector_of(0, 1, 0))->memory_id;
  EXPECT_EQ(contents(*store->nearest("ada", vector_of(0.2F, 1, 0), 5)), (Texts{"rain", "tea"}));
  StoredMemory changed = store->get("ada", tea).value();
  changed.content = "coffee";
  ASSERT_TRUE(store->change(changed, vector_of(0, 0, 1)));
  EXPECT_EQ(contents(*store->nearest("ada", vector_of(0, 0, 1), 1)), Texts{"coffee"});
  EXPECT_TRUE(*store->remove("ada", rain));
  EXPECT_FALSE(*store->remove("ada", rain));
  EXPECT_EQ(contents(*store->nearest("ada", vector_of(0, 1, 0), 5)), Texts{"coffee"});
}

TEST_F(SqliteMemories, UsersSeeNothingOfEachOther) {
  const auto store = open();
  const StoredMemory of_ada = store->add(fact("secret"), vector_of(1, 0, 0)).value();
  ASSERT_TRUE(store->add(fact("other", "bob"), vector_of(1, 0, 0)));
  EXPECT_EQ(contents(*store->nearest("bob", vector_of(1, 0, 0), 5)), Texts{"other"});
  EXPECT_EQ(store->page("bob", 10, 0)->total, 1);
  EXPECT_EQ(store->get("bob", of_ada.memory_id).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(*store->remove("bob", of_ada.memory_id));
  StoredMemory stolen = of_ada;
  stolen.user_id = "bob";
  EXPECT_EQ(store->change(stolen, std::nullopt).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(*store->erase("bob"), 1);
  EXPECT_EQ(store->page("ada", 10, 0)->total, 1);
}

TEST_F(SqliteMemories, VectorsOfAnotherModelAreNotCompared) {
  const auto store = open();
  ASSERT_TRUE(store->add(fact("old"), vector_of(1, 0, 0, "other model")));
  ASSERT_TRUE(store->add(fact("none"), std::nullopt));
  ASSERT_TRUE(store->add(fact("new"), vector_of(1, 0, 0)));
  EXPECT_EQ(contents(*store->nearest("ada", vector_of(1, 0, 0), 5)), Texts{"new"});
  EXPECT_EQ(store->page("ada", 10, 0)->total, 3);
}

TEST_F(SqliteMemories, PagesBeginWithTheNewest) {
  const auto store = open();
  for (const char* text : {"one", "two", "three"})
    ASSERT_TRUE(store->add(fact(text), std::nullopt));
  const MemoryPage page = store->page("ada", 2, 1).value();
  EXPECT_EQ(page.total, 3);
  ASSERT_EQ(page.memories.size(), 2U);
  EXPECT_EQ(page.memories[0].content, "two");
  EXPECT_EQ(page.memories[1].content, "one");
  EXPECT_EQ(store->page("nobody", 2, 0)->total, 0);
}

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
