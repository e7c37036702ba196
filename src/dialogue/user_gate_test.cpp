#include "dialogue/user_gate.h"

#include <atomic>
#include <thread>
#include <vector>

namespace morgan::dialogue {
namespace {

TEST(UserGate, LetsOneTurnOfAUserInAtATime) {
  UserGate gate;
  int inside = 0;  // guarded by the gate alone: a data race or a lost count shows when it does not hold
  std::atomic<int> worst{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 20; ++turn) {
        const auto pass = gate.enter("ann", {});
        ASSERT_TRUE(pass);
        ++inside;
        worst = std::max(worst.load(), inside);
        std::this_thread::yield();
        --inside;
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(worst, 1);
  EXPECT_EQ(gate.users(), 0U);
}

TEST(UserGate, UsersDoNotWaitForEachOther) {
  UserGate gate;
  const auto ann = gate.enter("ann", {});
  const auto bob = gate.enter("bob", {});
  EXPECT_TRUE(ann);
  EXPECT_TRUE(bob);
  EXPECT_EQ(gate.users(), 2U);
}

TEST(UserGate, AWaitingTurnCanBeCancelled) {
  UserGate gate;
  const auto ann = gate.enter("ann", {});
  StopSource stop;
  std::thread second([&] { EXPECT_EQ(gate.enter("ann", stop.token()).error().code, ErrorCode::kCancelled); });
  stop.request_stop(StopReason::kClientGone);
  second.join();
  const StopSource late(std::chrono::steady_clock::now());
  EXPECT_EQ(gate.enter("ann", late.token()).error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(gate.users(), 1U);
}

TEST(UserGate, TooManyWaitingAreRefused) {
  UserGate gate;
  auto inside = std::make_unique<Result<UserGate::Pass>>(gate.enter("ann", {}));
  std::atomic<int> refused{0};
  std::atomic<int> entered{0};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < UserGate::kMaxWaiting + 3; ++i) {
    threads.emplace_back([&] {
      const auto pass = gate.enter("ann", {});
      if (pass) {
        ++entered;
      } else {
        EXPECT_EQ(pass.error().code, ErrorCode::kOverloaded);
        ++refused;
      }
    });
  }
  while (refused < 3)
    std::this_thread::yield();
  inside.reset();
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(entered, static_cast<int>(UserGate::kMaxWaiting));
}

}  // namespace
}  // namespace morgan::dialogue
