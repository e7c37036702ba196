#include "runtime/simulated_strand.h"

#include <gtest/gtest.h>

#include <string>

namespace morgan::runtime {
namespace {

using std::chrono::milliseconds;

TEST(SimulatedStrand, RunsNothingInsidePost) {
  SimulatedStrand strand;
  std::string log;
  strand.post([&] { log += "a"; });
  strand.post([&] {
    strand.post([&] { log += "c"; });
    log += "b";
  });
  EXPECT_EQ(log, "");
  EXPECT_FALSE(strand.idle());
  strand.run_until_idle();
  EXPECT_EQ(log, "abc");
  EXPECT_TRUE(strand.idle());
}

TEST(SimulatedStrand, FiresTimersAtTheirOwnTimeAndInOrder) {
  SimulatedStrand strand;
  const TimePoint start = strand.now();
  std::vector<std::pair<std::string, TimePoint>> log;
  const auto note = [&](const std::string& name) {
    return [&log, &strand, name] { log.emplace_back(name, strand.now()); };
  };
  strand.post_at(start + milliseconds(20), note("late"));
  strand.post_at(start + milliseconds(10), [&] {
    note("early")();
    strand.post_at(strand.now() + milliseconds(5), note("chained"));
  });
  strand.post_at(start + milliseconds(20), note("late too"));
  strand.advance(milliseconds(9));
  EXPECT_TRUE(log.empty());
  strand.advance(milliseconds(100));
  const std::vector<std::pair<std::string, TimePoint>> expected = {{"early", start + milliseconds(10)},
                                                                   {"chained", start + milliseconds(15)},
                                                                   {"late", start + milliseconds(20)},
                                                                   {"late too", start + milliseconds(20)}};
  EXPECT_EQ(log, expected);
  EXPECT_EQ(strand.now(), start + milliseconds(109));
}

TEST(SimulatedStrand, PostsATimerOfThePastAtOnce) {
  SimulatedStrand strand;
  std::string log;
  strand.post_at(strand.now() - milliseconds(1), [&] { log += "a"; });
  strand.post([&] { log += "b"; });
  EXPECT_EQ(strand.timers(), 0U);
  strand.run_until_idle();
  EXPECT_EQ(log, "ab");
}

TEST(SimulatedStrand, CancelsWhatHasNotBegun) {
  SimulatedStrand strand;
  bool ran = false;
  const TimerId later = strand.post_at(strand.now() + milliseconds(1), [&] { ran = true; });
  const TimerId queued = strand.post_at(strand.now(), [&] { ran = true; });
  strand.cancel(later);
  strand.cancel(queued);
  strand.cancel(queued);
  strand.cancel(0);
  strand.advance(milliseconds(10));
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace morgan::runtime
