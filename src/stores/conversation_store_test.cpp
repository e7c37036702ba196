// What every store does alike, on real databases: SQLite's file and a PostgreSQL server.
#include "stores/store_test_worlds.h"

#include <set>

namespace morgan::stores {
namespace {

struct Backend {
  const char* name;
  std::unique_ptr<StoreWorld> (*make)();
};

class ConversationStoreSuite : public ::testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    if (std::string_view(GetParam().name) != "sqlite" && test_support::PostgresTestServer::shared() == nullptr) {
      GTEST_SKIP() << "PostgreSQL is not installed; 'make test' installs it";
    }
    world_ = GetParam().make();
  }
  std::unique_ptr<ConversationStore> open() {
    auto store = world_->try_open();
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(store).value() : nullptr;
  }
  std::unique_ptr<StoreWorld> world_;
};

TEST_P(ConversationStoreSuite, AConversationSurvivesReopening) {
  std::string conversation_id;
  {
    const auto store = open();
    const auto first = store->append("ann", {said("hello"), {"assistant", "hi there", "", 0, R"({"model":"m"})"}});
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(first->message_count, 2);
    conversation_id = first->conversation_id;
  }
  const auto store = open();
  const auto messages = store->recent("ann", 10);
  ASSERT_TRUE(messages);
  ASSERT_EQ(messages->size(), 2U);
  EXPECT_EQ((*messages)[0].role, "user");
  EXPECT_EQ((*messages)[0].sequence, 1);
  EXPECT_EQ((*messages)[1].content, "hi there");
  EXPECT_EQ((*messages)[1].sequence, 2);
  EXPECT_EQ((*messages)[1].metadata, R"({"model":"m"})");
  EXPECT_EQ((*messages)[1].created_at.size(), std::string("2026-01-01T00:00:00.000Z").size());
  const auto more = store->append("ann", {said("again")});
  ASSERT_TRUE(more);
  EXPECT_EQ(more->conversation_id, conversation_id);
  EXPECT_EQ(more->message_count, 3);
}

TEST_P(ConversationStoreSuite, UnknownUsersHaveNothing) {
  const auto store = open();
  EXPECT_TRUE(store->recent("nobody", 5)->empty());
  EXPECT_EQ(store->page("nobody", 5, 0)->total, 0);
  EXPECT_FALSE(*store->reset("nobody"));
  EXPECT_EQ(*store->erase("nobody"), 0);
  EXPECT_TRUE(store->list(10, 0)->empty());
}

TEST_P(ConversationStoreSuite, PagesFromTheOldestAndRecentFromTheNewest) {
  const auto store = open();
  for (int i = 1; i <= 7; ++i)
    ASSERT_TRUE(store->append("ann", {said(std::to_string(i))}));
  ASSERT_TRUE(store->append("bob", {said("other")}));
  EXPECT_EQ(contents(*store->recent("ann", 3)), (std::vector<std::string>{"5", "6", "7"}));
  EXPECT_TRUE(store->recent("ann", -1)->empty());
  const auto page = store->page("ann", 3, 2);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->total, 7);
  EXPECT_EQ(contents(page->messages), (std::vector<std::string>{"3", "4", "5"}));
  EXPECT_EQ(contents(store->page("ann", 100, 6)->messages), (std::vector<std::string>{"7"}));
  EXPECT_TRUE(store->page("ann", 100, 7)->messages.empty());
  EXPECT_TRUE(store->page("ann", -5, -5)->messages.empty());
}

TEST_P(ConversationStoreSuite, ListsNewestFirst) {
  const auto store = open();
  for (const char* const user : {"a", "b", "c"})
    ASSERT_TRUE(store->append(user, {said("x")}));
  ASSERT_TRUE(store->append("a", {said("y")}));
  const auto all = store->list(10, 0);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 3U);
  EXPECT_TRUE(std::is_sorted(all->begin(), all->end(),
                             [](const auto& x, const auto& y) { return x.updated_at > y.updated_at; }));
  std::set<std::string> paged;
  for (int i = 0; i < 3; ++i)
    paged.insert((*store->list(1, i))[0].user_id);
  EXPECT_EQ(paged, (std::set<std::string>{"a", "b", "c"}));
  const auto of_b = store->list(10, 0, "b");
  ASSERT_TRUE(of_b);
  ASSERT_EQ(of_b->size(), 1U);
  EXPECT_EQ((*of_b)[0].user_id, "b");
}

TEST_P(ConversationStoreSuite, ResetKeepsTheOldConversationAndStartsANewOne) {
  const auto store = open();
  const auto first = store->append("ann", {said("one"), said("two")});
  ASSERT_TRUE(*store->reset("ann"));
  EXPECT_TRUE(store->recent("ann", 10)->empty());
  EXPECT_FALSE(*store->reset("ann"));
  const auto second = store->append("ann", {said("three")});
  ASSERT_TRUE(second);
  EXPECT_NE(second->conversation_id, first->conversation_id);
  EXPECT_EQ(second->message_count, 1);
  EXPECT_EQ(store->list(10, 0)->size(), 2U);
  EXPECT_EQ(*store->erase("ann"), 3);
  EXPECT_TRUE(store->list(10, 0)->empty());
}

TEST_P(ConversationStoreSuite, KeepsOddTextExactly) {
  const auto store = open();
  const std::vector<std::string> odd{"Robert'); DROP TABLE messages;--",
                                     "\"quoted\" 'user'",
                                     "\u5f20\u4f1f \U0001F600",
                                     " ",
                                     "../../etc/passwd",
                                     std::string("a\0b", 3),
                                     std::string("\x01"
                                                 "0\x01"
                                                 "1\0\x01",
                                                 6),
                                     "{\"a\",NULL,\\}",
                                     "%_?1",
                                     "e\u0301 \u202e rtl"};
  for (const auto& text : odd)
    ASSERT_TRUE(store->append(text, {said(text)}));
  for (const auto& text : odd) {
    const auto messages = store->recent(text, 10);
    ASSERT_TRUE(messages);
    ASSERT_EQ(messages->size(), 1U) << text.substr(0, 40);
    EXPECT_EQ((*messages)[0].content, text);
  }
  EXPECT_EQ(store->list(100, 0)->size(), odd.size());
  const std::string longest(1'000'000, 'x');
  ASSERT_TRUE(store->append("long", {said(""), said(longest)}));
  EXPECT_EQ(contents(*store->recent("long", 2)), (std::vector<std::string>{"", longest}));
}

TEST_P(ConversationStoreSuite, RefusesMessagesThatAreNone) {
  const auto store = open();
  EXPECT_EQ(store->append("ann", {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(store->append("ann", {said("fine"), {"wizard", "x", "", 0, "{}"}}).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(store->append("ann", {said("\xff")}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(store->append("ann", {{"user", "x", "", 0, "[]"}}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(store->append("", {said("x")}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(store->append(std::string(257, 'u'), {said("x")}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(store->set_profile("ann", "nonsense").error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(store->recent("ann", 10)->empty());
}

TEST_P(ConversationStoreSuite, EightThreadsLoseNothing) {
  const auto store = open();
  constexpr int kThreads = 8;
  constexpr int kEach = 40;
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::string own = "user" + std::to_string(t);
      for (int i = 1; i <= kEach; ++i) {
        if (!store->append("shared", {said(own)}) || !store->append(own, {said(std::to_string(i))})) ++failures;
        const auto mine = store->recent(own, 1);
        if (!mine || mine->size() != 1 || (*mine)[0].sequence != i) ++failures;
        const auto page = store->page("shared", 1000, 0);
        if (!page || static_cast<long long>(page->messages.size()) != page->total) ++failures;
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(failures, 0);
  const auto shared = store->page("shared", 1000, 0);
  ASSERT_TRUE(shared);
  ASSERT_EQ(shared->messages.size(), static_cast<std::size_t>(kThreads * kEach));
  for (std::size_t i = 0; i < shared->messages.size(); ++i) {
    ASSERT_EQ(shared->messages[i].sequence, static_cast<long long>(i) + 1);
  }
}

TEST_P(ConversationStoreSuite, AnAppendThatIsRepeatedIsWrittenOnce) {
  const auto store = open();
  const StoredMessage question{"user", "What is one?", "", 0, "{}", "msg_one"};
  const auto first = store->append("ann", {question});
  ASSERT_TRUE(store->append("ann", {{"assistant", "A number.", "", 0, "{}"}}));
  const auto again = store->append("ann", {question});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->conversation_id, first->conversation_id);
  EXPECT_EQ(again->message_count, 2);
  EXPECT_EQ(contents(*store->recent("ann", 10)), (std::vector<std::string>{"What is one?", "A number."}));
  EXPECT_EQ(store->recent("ann", 10)->front().id, "msg_one");
  // Whatever is new beside it: the first time, all of it was written.
  ASSERT_TRUE(store->append("ann", {said("new"), question}));
  EXPECT_EQ(store->page("ann", 10, 0)->total, 2);
  // Also when the conversation was closed meanwhile.
  ASSERT_TRUE(*store->reset("ann"));
  ASSERT_TRUE(store->append("ann", {question}));
  EXPECT_TRUE(store->recent("ann", 10)->empty());
}

TEST_P(ConversationStoreSuite, AppendsThatWaitedAreWrittenInOrderAndOnce) {
  const auto store = open();
  std::vector<WaitingAppend> waiting;
  for (int i = 0; i < 300; ++i) {
    waiting.push_back({"ann", {{"user", std::to_string(i), "", 0, "{}", "msg_" + std::to_string(i)}}});
    if (i % 3 == 0) waiting.push_back({"bob", {said(std::to_string(i))}});
  }
  // The first ones were written before the connection was lost.
  ASSERT_TRUE(store->append(waiting[0].user_id, waiting[0].messages));
  ASSERT_TRUE(store->append_all(waiting));
  ASSERT_TRUE(store->append_all({waiting[0], waiting[2]}));
  const auto ann = store->page("ann", 1000, 0);
  ASSERT_EQ(ann->total, 300);
  for (std::size_t i = 0; i < ann->messages.size(); ++i) {
    EXPECT_EQ(ann->messages[i].content, std::to_string(i));
    EXPECT_EQ(ann->messages[i].sequence, static_cast<long long>(i) + 1);
  }
  EXPECT_EQ(store->page("bob", 1000, 0)->total, 100);
}

TEST_P(ConversationStoreSuite, MessagesHaveIdsThatDiffer) {
  const auto store = open();
  ASSERT_TRUE(store->append("ann", {said("a"), said("b")}));
  const auto messages = store->recent("ann", 2);
  EXPECT_TRUE((*messages)[0].id.starts_with("msg_"));
  EXPECT_NE((*messages)[0].id, (*messages)[1].id);
}

TEST_P(ConversationStoreSuite, AmendsAMessageOfTheActiveConversationOnly) {
  const auto store = open();
  ASSERT_TRUE(store->append("ann", {{"user", "What is", "", 0, "{}", "msg_a"}, said("second")}));
  ASSERT_TRUE(store->amend("ann", "msg_a", "What is it?", R"({"spoken":true})"));
  const auto messages = store->recent("ann", 10);
  EXPECT_EQ(contents(*messages), (std::vector<std::string>{"What is it?", "second"}));
  EXPECT_EQ((*messages)[0].metadata, R"({"spoken":true})");
  EXPECT_EQ(store->amend("ann", "msg_b", "x", "{}").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store->amend("bob", "msg_a", "x", "{}").error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(*store->reset("ann"));
  EXPECT_EQ(store->amend("ann", "msg_a", "x", "{}").error().code, ErrorCode::kNotFound);
}

TEST_P(ConversationStoreSuite, KeepsAProfilePerUser) {
  const auto store = open();
  EXPECT_EQ(*store->profile("ann"), "{}");
  ASSERT_TRUE(store->set_profile("ann", R"({"pauses_seen":1})"));
  ASSERT_TRUE(store->set_profile("ann", R"({"pauses_seen":2})"));
  EXPECT_EQ(*store->profile("ann"), R"({"pauses_seen":2})");
  EXPECT_EQ(*store->profile("bob"), "{}");
  ASSERT_TRUE(store->erase("ann"));
  EXPECT_EQ(*store->profile("ann"), "{}");
}

TEST_P(ConversationStoreSuite, AMessageKeepsTheTimeAtWhichItWasSaid) {
  const auto store = open();
  ASSERT_TRUE(store->append("ann", {{"user", "earlier", "2020-02-29T23:59:59.042Z", 0, "{}"}}));
  EXPECT_EQ(store->recent("ann", 1)->front().created_at, "2020-02-29T23:59:59.042Z");
}

TEST_P(ConversationStoreSuite, AClockThatJumpsBackDoesNotChangeTheOrder) {
  const auto store = open();
  ASSERT_TRUE(store->append("ann", {{"user", "from the future", "2090-01-01T00:00:00.000Z", 0, "{}"}}));
  ASSERT_TRUE(store->append("ann", {{"user", "from the past", "1990-01-01T00:00:00.000Z", 0, "{}"}}));
  ASSERT_TRUE(store->append("ann", {said("now")}));
  EXPECT_EQ(contents(*store->recent("ann", 10)), (std::vector<std::string>{"from the future", "from the past", "now"}));
  EXPECT_EQ(contents(store->page("ann", 2, 1)->messages), (std::vector<std::string>{"from the past", "now"}));
}

TEST_P(ConversationStoreSuite, ADatabaseOfANewerMorganIsRefused) {
  open();
  world_->run_sql(world_->sql_of_the_future());
  const auto store = world_->try_open();
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(store.error().message.find("newer Morgan"), std::string::npos) << store.error().message;
}

TEST_P(ConversationStoreSuite, AnotherProgramsDatabaseIsRefused) {
  world_->run_sql("CREATE TABLE messages (recipe TEXT)");
  const auto store = world_->try_open();
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(store.error().message.find("another program"), std::string::npos) << store.error().message;
}

TEST_P(ConversationStoreSuite, ReplicasThatStartAtOnceMigrateOnce) {
  std::vector<std::thread> replicas;
  std::atomic<int> opened{0};
  for (int replica = 0; replica < 6; ++replica) {
    replicas.emplace_back([&, replica] {
      auto store = world_->try_open();
      EXPECT_TRUE(store) << store.error().message;
      if (store && (*store)->append("shared", {said(std::to_string(replica))})) ++opened;
    });
  }
  for (auto& replica : replicas)
    replica.join();
  EXPECT_EQ(opened, 6);
  const auto page = open()->page("shared", 10, 0);
  EXPECT_EQ(page->total, 6);
  EXPECT_EQ(open()->list(10, 0)->size(), 1U);
}

template <typename World>
std::unique_ptr<StoreWorld> make_world() {
  return std::make_unique<World>();
}

INSTANTIATE_TEST_SUITE_P(Stores, ConversationStoreSuite,
                         ::testing::Values(Backend{"sqlite", make_world<SqliteWorld>},
                                           Backend{"postgres", make_world<PostgresWorld>},
                                           Backend{"journaled", make_world<JournaledWorld>}),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace morgan::stores
