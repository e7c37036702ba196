#include "runtime/blocking_pool.h"

#include <gtest/gtest.h>

#include <future>
#include <set>
#include <stdexcept>

namespace morgan::runtime {
namespace {

constexpr std::chrono::seconds kPatience{8};

// Holds threads of a pool until open() is called.
class Gate {
 public:
  void open() { open_.set_value(); }
  void wait() const { opened_.wait_for(kPatience); }

 private:
  std::promise<void> open_;
  std::shared_future<void> opened_ = open_.get_future().share();
};

void await(std::future<void> future) {
  EXPECT_EQ(future.wait_for(kPatience), std::future_status::ready) << "what the test waits for did not happen";
}

TEST(BlockingPool, RunsAtOnceAsManyAsItHasThreadsAndRefusesBeyondItsQueue) {
  const auto pool = BlockingPool::create(2, 3);
  Gate gate;
  std::atomic<int> ran{0};
  std::atomic<int> begun{0};
  std::promise<void> both;
  const auto task = [&] {
    if (++begun == 2) both.set_value();
    gate.wait();
    ++ran;
  };
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(pool->run(task)) << i;
  await(both.get_future());
  const auto refused = pool->run(task);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kOverloaded);
  EXPECT_EQ(begun, 2);
  gate.open();
  pool->stop();
  EXPECT_EQ(ran, 5);
}

TEST(BlockingPool, StopRunsWhatWaitsAndRefusesTheRest) {
  const auto pool = BlockingPool::create(1, 10);
  Gate gate;
  std::string order;
  ASSERT_TRUE(pool->run([&] { gate.wait(); }));
  for (const char name : {'a', 'b', 'c'})
    ASSERT_TRUE(pool->run([&order, name] { order += name; }));
  gate.open();
  pool->stop();
  pool->stop();
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(pool->run([] {}).error().code, ErrorCode::kOverloaded);
}

TEST(BlockingPool, UsesAnIdleThreadAgain) {
  const auto pool = BlockingPool::create(8, 0);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  for (int i = 0; i < 200; ++i) {
    std::promise<void> done;
    auto finished = done.get_future();
    // A thread that has just finished may not count as idle yet: then one more begins, up to the limit.
    while (!pool->run([&] {
      {
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
      }
      done.set_value();
    })) {
      std::this_thread::yield();
    }
    await(std::move(finished));
  }
  EXPECT_LE(threads.size(), 8U);
}

TEST(BlockingPool, OutlivesATaskThatThrows) {
  const auto pool = BlockingPool::create(1, 4);
  ASSERT_TRUE(pool->run([] { throw std::runtime_error("bug"); }));
  std::promise<void> after;
  ASSERT_TRUE(pool->run([&] { after.set_value(); }));
  await(after.get_future());
}

TEST(BlockingPool, DestroysATaskBeforeItsThreadIsIdle) {
  const auto pool = BlockingPool::create(1, 4);
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = held;
  ASSERT_TRUE(pool->run([held = std::move(held)] {}));
  std::promise<bool> gone;
  ASSERT_TRUE(pool->run([&] { gone.set_value(watch.expired()); }));
  EXPECT_TRUE(gone.get_future().get());
}

}  // namespace
}  // namespace morgan::runtime
