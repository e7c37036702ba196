#include "base/stop.h"

namespace morgan {
namespace {

TEST(Stop, AChildStopsWithItsParentAndNotTheOtherWayRound) {
  StopSource parent;
  StopSource child(parent.token());
  StopSource other(parent.token());
  child.request_stop(StopReason::kClientGone);
  EXPECT_EQ(child.token().reason(), StopReason::kClientGone);
  EXPECT_FALSE(parent.token().stop_requested());
  EXPECT_FALSE(other.token().stop_requested());
  parent.request_stop(StopReason::kShutdown);
  EXPECT_EQ(other.token().reason(), StopReason::kShutdown);
  EXPECT_EQ(child.token().reason(), StopReason::kClientGone);
}

TEST(Stop, FirstReasonCounts) {
  StopSource source;
  const StopToken token = source.token();
  EXPECT_FALSE(token.stop_requested());
  source.request_stop(StopReason::kBargeIn);
  source.request_stop(StopReason::kShutdown);
  EXPECT_EQ(token.reason(), StopReason::kBargeIn);
  EXPECT_EQ(token.error().code, ErrorCode::kCancelled);
}

TEST(Stop, DeadlineStopsByItself) {
  const StopSource source(std::chrono::steady_clock::now() - std::chrono::seconds(1));
  EXPECT_EQ(source.token().reason(), StopReason::kDeadline);
  EXPECT_EQ(source.token().error().code, ErrorCode::kDeadlineExceeded);
}

TEST(Stop, DefaultTokenNeverStops) {
  EXPECT_FALSE(StopToken().stop_requested());
}

}  // namespace
}  // namespace morgan
