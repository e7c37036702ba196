#include "audio/sample_budget.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>

namespace morgan::audio {
namespace {

TEST(SampleBudget, RefusesWhatAllTogetherWouldExceed) {
  SampleBudget budget(100);
  SampleLease first(budget);
  SampleLease second(budget);
  EXPECT_TRUE(first.grow_to(60));
  const auto refused = second.grow_to(41);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kOverloaded);
  EXPECT_EQ(budget.held(), 60U);
  EXPECT_TRUE(second.grow_to(40));
  EXPECT_FALSE(first.grow_to(61));
  EXPECT_EQ(first.samples(), 60U);
  first.shrink_to(10);
  EXPECT_TRUE(second.grow_to(90));
  EXPECT_EQ(budget.held(), 100U);
}

TEST(SampleBudget, LetsOneThatIsAloneHaveMore) {
  SampleBudget budget(100);
  SampleLease alone(budget);
  EXPECT_TRUE(alone.grow_to(150));
  EXPECT_TRUE(alone.grow_to(200));
  SampleLease other(budget);
  EXPECT_FALSE(other.grow_to(1));
}

TEST(SampleBudget, GetsBackWhatALeaseHeld) {
  SampleBudget budget(100);
  std::optional<SampleLease> kept;
  {
    SampleLease lease(budget);
    EXPECT_TRUE(lease.grow_to(70));
    kept = std::move(lease);
  }
  EXPECT_EQ(budget.held(), 70U);
  kept.reset();
  EXPECT_EQ(budget.held(), 0U);
}

}  // namespace
}  // namespace morgan::audio
