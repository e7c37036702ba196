// What every store of memories does, on each database: SQLite, and PostgreSQL as a real server.
#include "stores/memory_store_test_support.h"

#include "stores/postgres/postgres_memory_store.h"
#include "stores/sqlite/sqlite_memory_store.h"
#include "test_support/postgres_test_server.h"
#include "test_support/temporary_folder.h"

#include <filesystem>

namespace morgan::stores {

namespace {

namespace fs = std::filesystem;
using test_support::PostgresTestServer;

class Memories : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (is_postgres()) {
      PostgresTestServer* const server = PostgresTestServer::shared();
      if (server == nullptr) GTEST_SKIP() << "PostgreSQL is not installed; 'make test' installs it";
      url_ = server->make_database();
      ASSERT_TRUE(open_postgres_store({url_, 2}));  // makes the tables
      return;
    }
  }
  static bool is_postgres() { return std::string_view(GetParam()) == "Postgres"; }

  std::unique_ptr<MemoryStore> open() {
    auto store = is_postgres() ? open_postgres_memory_store({url_, 2})
                               : open_sqlite_memory_store(folder_ / "data" / "morgan.db");
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }

  test_support::TemporaryFolder folder_;
  std::string url_;
};

INSTANTIATE_TEST_SUITE_P(All, Memories, ::testing::Values("Sqlite", "Postgres"),
                         [](const auto& param) { return std::string(param.param); });

TEST_P(Memories, WhatWasAddedIsThereAfterReopening) {
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

TEST_P(Memories, SearchKnowsWhatWasAddedChangedAndRemovedMeanwhile) {
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

TEST_P(Memories, UsersSeeNothingOfEachOther) {
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

TEST_P(Memories, VectorsOfAnotherModelAreNotCompared) {
  const auto store = open();
  ASSERT_TRUE(store->add(fact("old"), vector_of(1, 0, 0, "other model")));
  ASSERT_TRUE(store->add(fact("none"), std::nullopt));
  ASSERT_TRUE(store->add(fact("new"), vector_of(1, 0, 0)));
  EXPECT_EQ(contents(*store->nearest("ada", vector_of(1, 0, 0), 5)), Texts{"new"});
  EXPECT_EQ(store->page("ada", 10, 0)->total, 3);
}

TEST_P(Memories, PagesBeginWithTheNewest) {
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

TEST_P(Memories, AnyTextComesBackAsItWas) {
  const auto store = open();
  const std::string odd = std::string("a\0b", 3) + "\x01 'quoted' \"twice\" \\ \u00e9\u4e16\U0001f600";
  const std::string id = store->add(fact(odd, "u'\"1"), vector_of(1, 0, 0)).value().memory_id;
  EXPECT_EQ(store->get("u'\"1", id)->content, odd);
  EXPECT_EQ(contents(*store->nearest("u'\"1", vector_of(1, 0, 0), 1)), Texts{odd});
}

TEST_P(Memories, ErasingForgetsAllOfTheUser) {
  const auto store = open();
  for (const char* text : {"one", "two", "three"})
    ASSERT_TRUE(store->add(fact(text), vector_of(1, 0, 0)));
  EXPECT_EQ(store->nearest("ada", vector_of(1, 0, 0), 5)->size(), 3U);
  EXPECT_EQ(*store->erase("ada"), 3);
  EXPECT_EQ(*store->erase("ada"), 0);
  EXPECT_TRUE(store->nearest("ada", vector_of(1, 0, 0), 5)->empty());
  ASSERT_TRUE(store->add(fact("four"), vector_of(1, 0, 0)));
  EXPECT_EQ(contents(*store->nearest("ada", vector_of(1, 0, 0), 5)), Texts{"four"});
  EXPECT_EQ(store->page("ada", 10, 0)->total, 1);
}

}  // namespace

}  // namespace morgan::stores
