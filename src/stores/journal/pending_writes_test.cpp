#include "stores/journal/pending_writes.h"

#include <gtest/gtest.h>

namespace morgan::stores {
namespace {

using Kind = WriteOp::Kind;

WriteOp append(const std::string& user, const std::string& id) {
  return {Kind::kAppend, user, {{"user", "text of " + id, "", 0, "{}", id}}};
}

TEST(PendingWrites, AreFoundByTheirUserInOrderUntilTheyAreDone) {
  PendingWrites waiting;
  waiting.add(append("ann", "a1"));
  waiting.add(append("bob", "b1"));
  waiting.add(append("ann", "a2"));
  ASSERT_EQ(waiting.of("ann").size(), 2U);
  EXPECT_EQ(waiting.of("ann").back()->messages.front().id, "a2");
  EXPECT_TRUE(waiting.of("eve").empty());
  waiting.drop(2);
  ASSERT_EQ(waiting.of("ann").size(), 1U);
  EXPECT_EQ(waiting.of("ann").front()->messages.front().id, "a2");
  EXPECT_TRUE(waiting.of("bob").empty());
  waiting.drop(5);
  EXPECT_TRUE(waiting.empty());
}

TEST(PendingWrites, OnlyAppendsAreWrittenTogether) {
  PendingWrites waiting;
  for (const char* const id : {"1", "2", "3"})
    waiting.add(append("ann", id));
  waiting.add({Kind::kReset, "ann", {}});
  waiting.add({Kind::kErase, "bob", {}});
  waiting.add(append("ann", "4"));
  EXPECT_EQ(waiting.next_batch(2).size(), 2U);
  EXPECT_EQ(waiting.next_batch(100).size(), 3U);
  waiting.drop(3);
  EXPECT_EQ(waiting.next_batch(100).size(), 1U);
  waiting.drop(1);
  EXPECT_EQ(waiting.next_batch(100).size(), 1U);
  waiting.drop(1);
  EXPECT_EQ(waiting.next_batch(100).front()->messages.front().id, "4");
}

TEST(PendingWrites, TheLastProfileCountsUnlessTheUserIsErased) {
  PendingWrites waiting;
  EXPECT_EQ(waiting.profile("ann"), std::nullopt);
  waiting.add({Kind::kSetProfile, "ann", {}, R"({"a":1})"});
  waiting.add({Kind::kSetProfile, "ann", {}, R"({"a":2})"});
  waiting.add({Kind::kReset, "ann", {}});
  EXPECT_EQ(waiting.profile("ann"), R"({"a":2})");
  waiting.add({Kind::kErase, "ann", {}});
  EXPECT_EQ(waiting.profile("ann"), "{}");
  EXPECT_EQ(waiting.profile("bob"), std::nullopt);
}

TEST(PendingWrites, KnowsWhatAResetOrAnEraseWillForget) {
  for (const Kind kind : {Kind::kReset, Kind::kErase}) {
    PendingWrites waiting;
    waiting.add(append("ann", "before"));
    EXPECT_FALSE(waiting.will_forget("ann", "before"));
    EXPECT_FALSE(waiting.will_forget("ann", "in the database"));
    waiting.add({kind, "ann", {}});
    waiting.add(append("ann", "after"));
    EXPECT_TRUE(waiting.will_forget("ann", "before"));
    EXPECT_TRUE(waiting.will_forget("ann", "in the database"));
    EXPECT_FALSE(waiting.will_forget("ann", "after"));
    EXPECT_FALSE(waiting.will_forget("bob", "before"));
  }
}

}  // namespace
}  // namespace morgan::stores
