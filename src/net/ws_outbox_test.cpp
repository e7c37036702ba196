#include "net/ws_outbox.h"

#include <gtest/gtest.h>

namespace morgan::net {
namespace {

TEST(WsOutbox, GivesMessagesInOrderAndThenTheFirstClose) {
  WsOutbox outbox([] {});
  ASSERT_TRUE(outbox.push({false, "a"}));
  ASSERT_TRUE(outbox.push({true, "b"}));
  outbox.close(4001, "first");
  outbox.close(4002, "second");
  EXPECT_TRUE(outbox.closing());
  EXPECT_EQ(outbox.push({false, "late"}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(outbox.next().message->data, "a");
  EXPECT_EQ(outbox.next().message->data, "b");
  const auto last = outbox.next();
  EXPECT_FALSE(last.message);
  ASSERT_TRUE(last.closing);
  EXPECT_EQ(last.closing->code, 4001);
  EXPECT_EQ(last.closing->reason, "first");
}

TEST(WsOutbox, CountsBytesUntilTheyAreWritten) {
  WsOutbox outbox([] {});
  ASSERT_TRUE(outbox.push({true, std::string(1'000'000, 'x')}));
  const std::size_t one = outbox.unsent_bytes();
  EXPECT_GE(one, 1'000'000U);
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(outbox.push({true, std::string(1'000'000, 'x')}));
  EXPECT_EQ(outbox.push({true, std::string(1'000'000, 'x')}).error().code, ErrorCode::kOverloaded);
  const auto next = outbox.next();
  EXPECT_EQ(outbox.unsent_bytes(), 4 * one);
  outbox.written(ws_cost(*next.message));
  EXPECT_EQ(outbox.unsent_bytes(), 3 * one);
  EXPECT_TRUE(outbox.push({true, std::string(1'000'000, 'x')}));
}

TEST(WsOutbox, BoundsEmptyMessagesToo) {
  WsOutbox outbox([] {});
  int taken = 0;
  while (taken < 1'000'000 && outbox.push({}))
    ++taken;
  EXPECT_LT(taken, 100'000);
}

TEST(WsOutbox, WakesOnceUntilSomebodyIsAwake) {
  int wakes = 0;
  WsOutbox outbox([&] { ++wakes; });
  ASSERT_TRUE(outbox.push({false, "a"}));
  ASSERT_TRUE(outbox.push({false, "b"}));
  EXPECT_EQ(wakes, 1);
  outbox.awake();
  outbox.wake();
  outbox.close(1000, "");
  EXPECT_EQ(wakes, 2);
}

TEST(WsOutbox, ForgetsEverythingWhenTheClientHasGone) {
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = held;
  WsOutbox outbox([held = std::move(held)] { ++*held; });
  ASSERT_TRUE(outbox.push({false, "a"}));
  outbox.close(1000, "");
  outbox.set_gone();
  EXPECT_TRUE(watch.expired());
  EXPECT_EQ(outbox.unsent_bytes(), 0U);
  EXPECT_FALSE(outbox.closing());
  EXPECT_FALSE(outbox.next().message);
  EXPECT_FALSE(outbox.next().closing);
  EXPECT_EQ(outbox.push({false, "b"}).error().code, ErrorCode::kUnavailable);
  outbox.wake();
  outbox.close(1000, "");
}

TEST(WsOutbox, CutsAReasonAtACharacter) {
  EXPECT_EQ(ws_close_reason("short"), "short");
  EXPECT_EQ(ws_close_reason(std::string(200, 'r')), std::string(123, 'r'));
  std::string umlauts;
  for (int i = 0; i < 100; ++i)
    umlauts += "\u00e4";
  EXPECT_EQ(ws_close_reason(umlauts).size(), 122U);
}

}  // namespace
}  // namespace morgan::net
