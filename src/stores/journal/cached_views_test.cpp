#include "stores/journal/cached_views.h"

#include "stores/cache/memory_cache.h"

#include <gtest/gtest.h>

namespace morgan::stores {
namespace {

using Kind = WriteOp::Kind;

StoredMessage message(const std::string& id, const std::string& content, long long sequence) {
  return {"user", content, "2026-01-01T00:00:00.000Z", sequence, "{}", id};
}

class CachedViewsTest : public ::testing::Test {
 protected:
  std::string known(const std::string& user = "ann") const {
    std::string text;
    for (const StoredMessage& message : views_.view(user).value_or(ConversationView{}).messages)
      text += (text.empty() ? "" : "|") + message.content;
    return text;
  }
  void replay(std::vector<WriteOp> ops) {
    std::vector<PendingWrites::Op> given;
    for (WriteOp& op : ops)
      given.push_back(std::make_shared<const WriteOp>(std::move(op)));
    views_.replayed(given);
  }

  MemoryCache cache_{1'000'000};
  CachedViews views_{cache_};
};

TEST_F(CachedViewsTest, AnAmendmentOfAnotherReplicaReplacesTheTextThoughLessIsRead) {
  const auto asked = views_.moment();
  views_.remember_recent("ann", {message("1", "one", 1), message("2", "two", 2), message("3", "three", 3)}, asked);
  views_.remember_recent("ann", {message("3", "three, amended", 3)}, asked);
  EXPECT_EQ(known(), "one|two|three, amended");
  views_.remember_recent("ann", {message("4", "four", 4)}, asked);
  EXPECT_EQ(known(), "four");
}

TEST_F(CachedViewsTest, AnAnswerFromBeforeAnEraseIsNotRemembered) {
  const auto asked = views_.moment();
  const WriteOp op{Kind::kAppend, "ann", {message("2", "two", 0)}};
  views_.forget_user("ann");
  views_.remember_recent("ann", {message("1", "erased", 1)}, asked);
  views_.remember_append(op, {"conv_1", "ann", "", "", 2}, asked);
  views_.remember_profile("ann", R"({"erased":true})", asked);
  EXPECT_EQ(known(), "");
  EXPECT_EQ(views_.profile("ann"), std::nullopt);
  views_.remember_recent("ann", {message("3", "new", 1)}, views_.moment());
  EXPECT_EQ(known(), "new");
}

TEST_F(CachedViewsTest, WhatWasReplayedIsKnown) {
  views_.remember_recent("ann", {message("1", "What is", 1)}, views_.moment());
  views_.remember_recent("bob", {message("9", "old", 1)}, views_.moment());
  const auto asked = views_.moment();
  replay({{Kind::kAmend, "ann", {message("1", "What is it?", 0)}},
          {Kind::kAppend, "ann", {message("2", "two", 0)}},
          {Kind::kSetProfile, "ann", {}, R"({"a":1})"},
          {Kind::kReset, "bob", {}},
          {Kind::kAppend, "bob", {message("10", "new", 0)}}});
  EXPECT_EQ(known(), "What is it?|two");
  EXPECT_EQ(views_.profile("ann"), R"({"a":1})");
  EXPECT_EQ(known("bob"), "new");
  EXPECT_NE(views_.moment(), asked) << "a reading from before Bob's reset is not to be remembered";
  replay({{Kind::kErase, "ann", {}}});
  EXPECT_EQ(known(), "");
  EXPECT_EQ(views_.profile("ann"), std::nullopt);
}

}  // namespace
}  // namespace morgan::stores
