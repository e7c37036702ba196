#include "runtime/strand.h"

#include <gtest/gtest.h>

#include <future>
#include <stdexcept>

namespace morgan::runtime {
namespace {

using std::chrono::milliseconds;
constexpr std::chrono::seconds kPatience{8};

// Holds a thread of the pool until open() is called.
class Gate {
 public:
  void open() { open_.set_value(); }
  void wait() const { EXPECT_EQ(opened_.wait_for(kPatience), std::future_status::ready); }

 private:
  std::promise<void> open_;
  std::shared_future<void> opened_ = open_.get_future().share();
};

void await(std::future<void> future) {
  ASSERT_EQ(future.wait_for(kPatience), std::future_status::ready) << "what the test waits for did not happen";
}

// Waits until what was posted to the strand so far has run.
void drain(Strand& strand) {
  std::promise<void> done;
  strand.post([&] { done.set_value(); });
  await(done.get_future());
}

TEST(StrandPool, RunsTasksInTheOrderOfPosting) {
  const auto pool = StrandPool::create(4);
  const auto strand = pool->make_strand();
  std::vector<int> order;  // not guarded: the strand is the guard
  for (int i = 0; i < 1'000; ++i)
    strand->post([&order, i] { order.push_back(i); });
  drain(*strand);
  ASSERT_EQ(order.size(), 1'000U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(StrandPool, NeverRunsTwoTasksOfAStrandAtOnce) {
  const auto pool = StrandPool::create(4);
  const auto strand = pool->make_strand();
  std::atomic<int> running{0};
  std::atomic<bool> overlapped{false};
  int plain = 0;  // a race here is what the thread sanitizer would see
  std::vector<std::thread> posters;
  for (int thread = 0; thread < 4; ++thread) {
    posters.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        strand->post([&] {
          if (++running != 1) overlapped = true;
          ++plain;
          --running;
        });
      }
    });
  }
  for (std::thread& poster : posters)
    poster.join();
  drain(*strand);
  EXPECT_FALSE(overlapped);
  EXPECT_EQ(plain, 2'000);
}

TEST(StrandPool, RunsOtherStrandsWhileOneIsBusy) {
  Gate gate;  // before the pool, whose thread waits at it
  const auto pool = StrandPool::create(2);
  const auto busy = pool->make_strand();
  const auto other = pool->make_strand();
  busy->post([&] { gate.wait(); });
  drain(*other);
  gate.open();
}

TEST(StrandPool, ABusyStrandLetsOthersHaveTheirTurn) {
  const auto pool = StrandPool::create(1);
  const auto busy = pool->make_strand();
  const auto other = pool->make_strand();
  std::atomic<bool> over{false};
  std::function<void()> again = [&] {
    if (!over) busy->post(again);
  };
  busy->post(again);
  drain(*other);
  over = true;
  drain(*busy);
}

TEST(StrandPool, NeverRunsATaskInsidePost) {
  const auto pool = StrandPool::create(1);
  const auto strand = pool->make_strand();
  std::string log;
  std::promise<void> done;
  strand->post([&] {
    strand->post([&] {
      log += "inner";
      done.set_value();
    });
    log += "outer ";
  });
  await(done.get_future());
  EXPECT_EQ(log, "outer inner");
}

TEST(StrandPool, FiresTimersWhenTheyAreDueAndInThatOrder) {
  const auto pool = StrandPool::create(2);
  const auto strand = pool->make_strand();
  const TimePoint start = strand->now();
  std::string order;
  bool early = false;
  std::promise<void> done;
  strand->post_at(start + milliseconds(30), [&] {
    order += "c";
    done.set_value();
  });
  for (const auto& [delay, name] : {std::pair(20, 'b'), std::pair(10, 'a')}) {
    const TimePoint when = start + milliseconds(delay);
    strand->post_at(when, [&, when, name = name] {
      early = early || strand->now() < when;
      order += name;
    });
  }
  await(done.get_future());
  EXPECT_EQ(order, "abc");
  EXPECT_FALSE(early);
}

TEST(StrandPool, PostsATimerOfThePastAtOnceAndInOrder) {
  const auto pool = StrandPool::create(1);
  const auto strand = pool->make_strand();
  std::string order;
  strand->post_at(TimePoint{}, [&] { order += "a"; });
  strand->post([&] { order += "b"; });
  drain(*strand);
  EXPECT_EQ(order, "ab");
}

TEST(StrandPool, CancelledTimersDoNotRunAndLetGoOfWhatTheyHold) {
  const auto pool = StrandPool::create(1);
  const auto strand = pool->make_strand();
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = held;
  const TimerId timer = strand->post_at(strand->now() + std::chrono::hours(1), [held = std::move(held)] {});
  EXPECT_NE(timer, 0U);
  EXPECT_FALSE(watch.expired());
  strand->cancel(timer);
  EXPECT_TRUE(watch.expired());
  strand->cancel(timer);
  strand->cancel(0);
}

TEST(StrandPool, CancelOnTheStrandIsCertainEvenForADueTimer) {
  const auto pool = StrandPool::create(2);
  const auto strand = pool->make_strand();
  // Rounds, for the moment at which the timer leaves the list of timers is what matters.
  for (int round = 0; round < 200; ++round) {
    std::atomic<bool> ran{false};
    std::promise<void> done;
    strand->post([&] {
      const TimePoint due = strand->now() + std::chrono::microseconds(round);
      const TimerId timer = strand->post_at(due, [&] { ran = true; });
      while (strand->now() < due)
        std::this_thread::yield();
      strand->cancel(timer);
      done.set_value();
    });
    await(done.get_future());
    drain(*strand);
    ASSERT_FALSE(ran) << round;
  }
}

TEST(StrandPool, CancelTakesBackWhatWasPostedButHasNotBegun) {
  const auto pool = StrandPool::create(1);
  const auto strand = pool->make_strand();
  bool ran = false;
  std::promise<void> done;
  strand->post([&] {
    const TimerId queued = strand->post_at(strand->now(), [&] { ran = true; });
    strand->cancel(queued);
    done.set_value();
  });
  await(done.get_future());
  drain(*strand);
  EXPECT_FALSE(ran);
}

TEST(StrandPool, ManyTimersKeepTheirOrder) {
  const auto pool = StrandPool::create(2);
  const auto strand = pool->make_strand();
  const TimePoint start = strand->now();
  std::vector<int> order;
  std::promise<void> done;
  for (int i = 499; i >= 0; --i) {
    strand->post_at(start + std::chrono::microseconds(20'000 + i), [&, i] {
      order.push_back(i);
      if (order.size() == 500) done.set_value();
    });
  }
  await(done.get_future());
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(StrandPool, StopRunsWhatWasPostedAndDropsTimersAndWhatComesLater) {
  auto pool = StrandPool::create(2);
  const auto strand = pool->make_strand();
  Gate gate;
  int ran = 0;
  bool late = false;
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = held;
  strand->post([&] { gate.wait(); });
  for (int i = 0; i < 100; ++i)
    strand->post([&] { ++ran; });
  strand->post_at(strand->now() + std::chrono::hours(1), [&late, held = std::move(held)] { late = true; });
  auto stopping = std::async(std::launch::async, [&] { pool->stop(); });
  while (!watch.expired())  // stop has begun
    std::this_thread::yield();
  gate.open();
  await(std::move(stopping));
  EXPECT_EQ(ran, 100);
  pool->stop();
  strand->post([&] { late = true; });
  EXPECT_EQ(strand->post_at(strand->now(), [&] { late = true; }), 0U);
  pool = nullptr;
  EXPECT_FALSE(late);
}

TEST(StrandPool, AStrandMayOutliveItsPool) {
  auto pool = StrandPool::create(1);
  const auto strand = pool->make_strand();
  drain(*strand);
  pool = nullptr;
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = held;
  strand->post([strand, held] {});
  strand->post_at(strand->now() + milliseconds(1), [strand, held = std::move(held)] {});
  strand->cancel(1);
  EXPECT_TRUE(watch.expired());
  EXPECT_GT(strand->now(), TimePoint{});
}

TEST(StrandPool, OutlivesATaskThatThrows) {
  const auto pool = StrandPool::create(1);
  const auto strand = pool->make_strand();
  strand->post([] { throw std::runtime_error("bug"); });
  drain(*strand);
}

TEST(StrandPool, ATaskMayHoldTheLastReferenceToItsStrand) {
  const auto pool = StrandPool::create(1);
  auto strand = pool->make_strand();
  const std::weak_ptr<Strand> watch = strand;
  std::promise<void> done;
  Strand& same = *strand;
  same.post_at(same.now() + milliseconds(1), [&done, strand = std::move(strand)] { done.set_value(); });
  await(done.get_future());
  pool->stop();
  EXPECT_TRUE(watch.expired());
}

TEST(StrandPool, CarriesAThousandStrandsOnTwoThreads) {
  const auto pool = StrandPool::create(2);
  constexpr int kStrands = 1'000;
  std::vector<std::shared_ptr<Strand>> strands;
  std::vector<int> counts(kStrands, 0);
  std::atomic<int> open{kStrands};
  std::promise<void> done;
  for (int i = 0; i < kStrands; ++i)
    strands.push_back(pool->make_strand());
  for (int round = 0; round < 20; ++round) {
    for (std::size_t i = 0; i < kStrands; ++i) {
      strands[i]->post([&, i] {
        if (++counts[i] == 20 && --open == 0) done.set_value();
      });
    }
  }
  await(done.get_future());
  EXPECT_EQ(std::count(counts.begin(), counts.end(), 20), kStrands);
}

}  // namespace
}  // namespace morgan::runtime
