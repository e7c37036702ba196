// The cache in a real Redis, which comes and goes.
#include "stores/cache/redis_cache.h"

#include "stores/cache/redis_connection.h"
#include "test_support/redis_test_server.h"

namespace morgan::stores {
namespace {

using std::chrono::seconds;
using test_support::RedisTestServer;

class RedisCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = RedisTestServer::make();
    if (server_ == nullptr) GTEST_SKIP() << "Redis is not installed; 'make test' installs it";
  }
  std::unique_ptr<Cache> open() { return open(server_->url()); }
  std::unique_ptr<Cache> open(const std::string& url) {
    auto cache = open_redis_cache({url, 4, 1'000'000, {}}, metrics_);
    EXPECT_TRUE(cache) << cache.error().message;
    return cache ? std::move(cache).value() : nullptr;
  }
  static void wait_for(const Cache& cache, StoreState state) {
    const auto end = std::chrono::steady_clock::now() + seconds(10);
    while (cache.health().state != state && std::chrono::steady_clock::now() < end)
      std::this_thread::yield();
    EXPECT_EQ(cache.health().state, state) << cache.health().detail;
  }

  Metrics metrics_;
  std::unique_ptr<RedisTestServer> server_;
};

TEST_F(RedisCacheTest, SeveralMorgansShareItAndItOutlivesThem) {
  const std::string odd("a\0b \r\n$3\r\n", 10);
  open()->set("conversation:ann", odd, seconds(60));
  EXPECT_EQ(open()->get("conversation:ann"), odd);
  EXPECT_EQ(open()->get("conversation:bob"), std::nullopt);
  open()->erase("conversation:ann");
  EXPECT_EQ(open()->get("conversation:ann"), std::nullopt);
}

TEST_F(RedisCacheTest, WhatIsKeptExpires) {
  open()->set("a", "1", seconds(3600));
  const std::string left = server_->run({"TTL", "morgan:a"});
  EXPECT_GT(std::stoi(left), 3500);
  EXPECT_LE(std::stoi(left), 3600);
}

TEST_F(RedisCacheTest, TheProcessStandsInAndWhatChangedIsWrittenWhenItIsBack) {
  const auto cache = open();
  cache->set("changed", "old", seconds(60));
  cache->set("erased", "old", seconds(60));
  server_->stop();
  EXPECT_EQ(cache->get("changed"), "old");
  wait_for(*cache, StoreState::kDegraded);
  EXPECT_NE(metrics_.scrape().find("morgan_cache_up 0"), std::string::npos);
  cache->set("changed", "new", seconds(60));
  cache->erase("erased");
  EXPECT_EQ(cache->get("changed"), "new");
  ASSERT_TRUE(server_->start());
  // As if the server had kept its data.
  server_->run({"SET", "morgan:changed", "old"});
  server_->run({"SET", "morgan:erased", "old"});
  wait_for(*cache, StoreState::kHealthy);
  const auto end = std::chrono::steady_clock::now() + seconds(10);
  while (server_->run({"GET", "morgan:changed"}) != "new\n" && std::chrono::steady_clock::now() < end) {
  }
  EXPECT_EQ(cache->get("changed"), "new");
  EXPECT_EQ(cache->get("erased"), std::nullopt);
}

TEST_F(RedisCacheTest, AServerThatIsAwayAtTheStartIsNoError) {
  server_->stop();
  const auto cache = open();
  EXPECT_EQ(cache->health().state, StoreState::kDegraded);
  cache->set("a", "1", seconds(60));
  EXPECT_EQ(cache->get("a"), "1");
  ASSERT_TRUE(server_->start());
  wait_for(*cache, StoreState::kHealthy);
  EXPECT_EQ(cache->get("a"), "1");
}

TEST_F(RedisCacheTest, AServerThatRefusesToBeWrittenToIsAwayAndSaysWhy) {
  const auto cache = open();
  cache->set("a", "old", seconds(60));
  server_->run({"REPLICAOF", "127.0.0.1", "1"});
  cache->set("a", "new", seconds(60));
  EXPECT_EQ(cache->health().state, StoreState::kDegraded);
  EXPECT_NE(cache->health().detail.find("READONLY"), std::string::npos) << cache->health().detail;
  EXPECT_EQ(cache->get("a"), "new");
  server_->run({"REPLICAOF", "NO", "ONE"});
  wait_for(*cache, StoreState::kHealthy);
  EXPECT_EQ(server_->run({"GET", "morgan:a"}), "new\n");
}

TEST_F(RedisCacheTest, AnEraseIsNotForgottenAmongManyChanges) {
  const auto cache = open();
  cache->set("secret", "old", seconds(60));
  // It keeps its data and refuses to be written to.
  server_->run({"REPLICAOF", "127.0.0.1", "1"});
  cache->set("first", "notices", seconds(60));
  ASSERT_EQ(cache->health().state, StoreState::kDegraded);
  for (int i = 0; i < 10'001; ++i)
    cache->set(std::to_string(i), "x", seconds(60));
  cache->erase("secret");
  EXPECT_EQ(server_->run({"GET", "morgan:secret"}), "old\n");
  server_->run({"REPLICAOF", "NO", "ONE"});
  wait_for(*cache, StoreState::kHealthy);
  EXPECT_EQ(server_->run({"GET", "morgan:secret"}), "\n");
}

TEST_F(RedisCacheTest, SpeechIsNotKeptInTheProcess) {
  const auto cache = open();
  cache->set("speech:a", "audio", seconds(60));
  EXPECT_EQ(cache->get("speech:a"), "audio");
  server_->stop();
  EXPECT_EQ(cache->get("speech:a"), std::nullopt);
  cache->set("speech:a", "audio", seconds(60));
  EXPECT_EQ(cache->get("speech:a"), std::nullopt);
}

TEST_F(RedisCacheTest, EightThreadsShareFourConnections) {
  const auto cache = open();
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      const std::string key = std::to_string(t);
      for (int i = 0; i < 200; ++i) {
        cache->set(key, std::to_string(i), seconds(60));
        if (cache->get(key) != std::to_string(i)) ++wrong;
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(RedisCacheTest, APasswordIsAskedForAndNeverShown) {
  const auto secured = RedisTestServer::make("hush");
  ASSERT_TRUE(secured);
  const std::string place = "127.0.0.1:" + std::to_string(secured->port());
  EXPECT_EQ(open("redis://:hush@" + place)->health().state, StoreState::kHealthy);
  const StoreHealth wrong = open("redis://:wrong-secret@" + place)->health();
  EXPECT_EQ(wrong.state, StoreState::kDegraded);
  EXPECT_NE(wrong.detail.find("check user and password"), std::string::npos);
  EXPECT_EQ(wrong.detail.find("wrong-secret"), std::string::npos);
  EXPECT_EQ(open("redis://" + place)->health().state, StoreState::kDegraded);
}

TEST(RedisTarget, ReadsEveryForm) {
  const auto full = RedisTarget::parse("redis://ann:p@ss@cache.example:7000/3");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->user, "ann");
  EXPECT_EQ(full->password, "p@ss");
  EXPECT_EQ(full->name(), "cache.example:7000/3");
  EXPECT_EQ(RedisTarget::parse("redis://cache.example")->name(), "cache.example:6379/0");
  for (const char* const bad :
       {"", "redis://", "http://x", "redis://x:port", "redis://x:70000", "redis://x/name", "redis://secret@x"}) {
    const auto refused = RedisTarget::parse(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument) << bad;
    EXPECT_EQ(refused.error().message.find("secret"), std::string::npos);
  }
  EXPECT_EQ(RedisTarget::parse("rediss://x").error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace morgan::stores
