#include "access/rate_limiter.h"

namespace morgan::access {
namespace {

using std::chrono::seconds;

class RateLimiterTest : public testing::Test {
 protected:
  RateLimiter::Clock::time_point now_{seconds(1'000)};
};

TEST_F(RateLimiterTest, AMinutesWorthAtOnceThenEvenly) {
  RateLimiter limiter(60);
  for (int i = 0; i < 60; ++i) {
    const auto verdict = limiter.take("a", now_);
    ASSERT_TRUE(verdict.allowed) << i;
    EXPECT_EQ(verdict.limit, 60);
    EXPECT_EQ(verdict.remaining, 59 - i);
  }
  const auto refused = limiter.take("a", now_);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.remaining, 0);
  EXPECT_EQ(refused.retry_seconds, 1);
  EXPECT_EQ(refused.reset_seconds, 60);
  now_ += seconds(1);
  EXPECT_TRUE(limiter.take("a", now_).allowed);
  EXPECT_FALSE(limiter.take("a", now_).allowed);
  now_ += seconds(600);
  EXPECT_EQ(limiter.take("a", now_).remaining, 59);
}

TEST_F(RateLimiterTest, RetryAfterIsLongEnough) {
  RateLimiter limiter(2);
  EXPECT_TRUE(limiter.take("a", now_).allowed);
  EXPECT_TRUE(limiter.take("a", now_).allowed);
  const auto refused = limiter.take("a", now_);
  ASSERT_FALSE(refused.allowed);
  EXPECT_EQ(refused.retry_seconds, 30);
  EXPECT_FALSE(limiter.take("a", now_ + seconds(29)).allowed);
  EXPECT_TRUE(limiter.take("a", now_ + seconds(refused.retry_seconds)).allowed);
}

TEST_F(RateLimiterTest, NamesDoNotShare) {
  RateLimiter limiter(1);
  EXPECT_TRUE(limiter.take("a", now_).allowed);
  EXPECT_TRUE(limiter.take("b", now_).allowed);
  EXPECT_FALSE(limiter.take("a", now_).allowed);
}

TEST_F(RateLimiterTest, BucketsAreBoundedAndTheLeastUsedGoesFirst) {
  RateLimiter limiter(1, 3);
  for (const char* name : {"a", "b", "c"})
    EXPECT_TRUE(limiter.take(name, now_).allowed);
  EXPECT_FALSE(limiter.take("a", now_).allowed);
  EXPECT_TRUE(limiter.take("d", now_).allowed);  // b goes
  EXPECT_EQ(limiter.buckets(), 3U);
  EXPECT_FALSE(limiter.take("a", now_).allowed);
  EXPECT_TRUE(limiter.take("b", now_).allowed);
}

TEST_F(RateLimiterTest, AClockThatLooksBackGivesNothingAway) {
  RateLimiter limiter(1);
  EXPECT_TRUE(limiter.take("a", now_).allowed);
  EXPECT_FALSE(limiter.take("a", now_ - seconds(100)).allowed);
  EXPECT_FALSE(limiter.take("a", now_).allowed);
}

}  // namespace
}  // namespace morgan::access
