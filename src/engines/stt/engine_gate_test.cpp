#include "engines/stt/engine_gate.h"

#include <future>

namespace morgan::engines {
namespace {

TEST(EngineGate, RefusesBeyondItsQueue) {
  EngineGate gate(0);
  const auto held = gate.enter(SttPriority::kBatch, {});
  ASSERT_TRUE(held);
  const auto refused = gate.enter(SttPriority::kLive, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kOverloaded);
}

TEST(EngineGate, StoppedWaiterLeavesAndTheGateStaysUsable) {
  EngineGate gate(4);
  {
    const auto held = gate.enter(SttPriority::kBatch, {});
    StopSource source;
    source.request_stop(StopReason::kClientGone);
    const auto waited = gate.enter(SttPriority::kLive, source.token());
    ASSERT_FALSE(waited);
    EXPECT_EQ(waited.error().code, ErrorCode::kCancelled);
  }
  EXPECT_TRUE(gate.enter(SttPriority::kBatch, {}));
}

TEST(EngineGate, OneAtATimeAndEveryoneGetsIn) {
  EngineGate gate(64);
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::vector<std::future<bool>> callers;
  for (int i = 0; i < 16; ++i) {
    callers.push_back(std::async(std::launch::async, [&, i] {
      const auto pass = gate.enter(i % 2 == 0 ? SttPriority::kLive : SttPriority::kBatch, {});
      most = std::max(most.load(), ++inside);
      --inside;
      return pass.has_value();
    }));
  }
  for (auto& caller : callers)
    EXPECT_TRUE(caller.get());
  EXPECT_EQ(most, 1);
}

TEST(EngineGate, ALiveCallGoesBeforeAPartialAndBothBeforeAFile) {
  EngineGate gate(4);
  auto held = std::make_optional(gate.enter(SttPriority::kBatch, {}));
  ASSERT_TRUE(*held);
  std::mutex mutex;
  std::vector<SttPriority> order;
  std::vector<std::future<void>> callers;
  for (const SttPriority priority : {SttPriority::kBatch, SttPriority::kPartial, SttPriority::kLive}) {
    const std::size_t before = gate.waiting();
    callers.push_back(std::async(std::launch::async, [&, priority] {
      const auto pass = gate.enter(priority, {});
      const std::lock_guard lock(mutex);
      order.push_back(priority);
    }));
    while (gate.waiting() == before)
      std::this_thread::yield();
  }
  held.reset();
  for (auto& caller : callers)
    caller.get();
  EXPECT_EQ(order, (std::vector<SttPriority>{SttPriority::kLive, SttPriority::kPartial, SttPriority::kBatch}));
}

}  // namespace
}  // namespace morgan::engines
