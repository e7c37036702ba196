#include "stores/cache/memory_cache.h"

namespace morgan::stores {
namespace {

using std::chrono::seconds;

class MemoryCacheTest : public ::testing::Test {
 protected:
  std::chrono::steady_clock::time_point now_{seconds(1000)};
  MemoryCache cache_{100, [this] { return now_; }};
};

TEST_F(MemoryCacheTest, KeepsForAsLongAsItWasTold) {
  cache_.set("a", "1", seconds(10));
  now_ += std::chrono::milliseconds(9'999);
  EXPECT_EQ(cache_.get("a"), "1");
  now_ += std::chrono::milliseconds(1);
  EXPECT_EQ(cache_.get("a"), std::nullopt);
  EXPECT_EQ(cache_.bytes(), 0U);
}

TEST_F(MemoryCacheTest, TheLeastRecentlyUsedGoesFirst) {
  for (const char* const key : {"a", "b", "c"})
    cache_.set(key, std::string(30, 'x'), seconds(10));
  EXPECT_TRUE(cache_.get("a"));
  cache_.set("d", std::string(30, 'x'), seconds(10));
  EXPECT_TRUE(cache_.get("a"));
  EXPECT_FALSE(cache_.get("b"));
  EXPECT_TRUE(cache_.get("c"));
  EXPECT_LE(cache_.bytes(), 100U);
}

TEST_F(MemoryCacheTest, WhatIsLargerThanAllOfItIsNotKept) {
  cache_.set("a", "1", seconds(10));
  cache_.set("b", std::string(200, 'x'), seconds(10));
  EXPECT_FALSE(cache_.get("b"));
  EXPECT_EQ(cache_.get("a"), "1");
  cache_.set("a", std::string(200, 'x'), seconds(10));
  EXPECT_FALSE(cache_.get("a")) << "the old value would be wrong";
}

TEST_F(MemoryCacheTest, ErasesAndReplaces) {
  cache_.set("a", "1", seconds(10));
  cache_.set("a", "22", seconds(10));
  EXPECT_EQ(cache_.get("a"), "22");
  EXPECT_EQ(cache_.bytes(), 3U);
  cache_.erase("a");
  cache_.erase("never there");
  EXPECT_FALSE(cache_.get("a"));
}

}  // namespace
}  // namespace morgan::stores
