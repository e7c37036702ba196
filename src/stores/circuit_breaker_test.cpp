#include "stores/circuit_breaker.h"

namespace morgan::stores {
namespace {

using std::chrono::milliseconds;
using TimePoint = CircuitBreaker::TimePoint;

TEST(CircuitBreaker, PausesDoubleUpToTheLongestAndEndWithASuccess) {
  CircuitBreaker breaker({milliseconds(100), milliseconds(1000), 0.0, 1});
  TimePoint now{};
  EXPECT_TRUE(breaker.allows(now));
  for (const int pause : {100, 200, 400, 800, 1000, 1000}) {
    breaker.failed(now);
    EXPECT_FALSE(breaker.closed());
    EXPECT_FALSE(breaker.allows(now + milliseconds(pause - 1))) << pause;
    EXPECT_TRUE(breaker.allows(now + milliseconds(pause))) << pause;
    now += milliseconds(pause);
  }
  breaker.succeeded();
  EXPECT_TRUE(breaker.closed());
  breaker.failed(now);
  EXPECT_EQ(breaker.retry_at(), now + milliseconds(100));
}

TEST(CircuitBreaker, ReplicasComeBackAtDifferentMomentsNeverLaterThanThePause) {
  std::vector<TimePoint> moments;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CircuitBreaker breaker({milliseconds(100), milliseconds(1000), 0.3, seed});
    breaker.failed(TimePoint{});
    EXPECT_GE(breaker.retry_at(), TimePoint{} + milliseconds(70));
    EXPECT_LE(breaker.retry_at(), TimePoint{} + milliseconds(100));
    moments.push_back(breaker.retry_at());
  }
  std::sort(moments.begin(), moments.end());
  EXPECT_GT(std::unique(moments.begin(), moments.end()) - moments.begin(), 40);
}

TEST(CircuitBreaker, AThousandFailuresDoNotOverflow) {
  CircuitBreaker breaker({milliseconds(100), milliseconds(1000), 0.0, 1});
  for (int i = 0; i < 1000; ++i)
    breaker.failed(TimePoint{});
  EXPECT_EQ(breaker.retry_at(), TimePoint{} + milliseconds(1000));
}

}  // namespace
}  // namespace morgan::stores
