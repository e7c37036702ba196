// Rings, under a clock that the test turns.
#include "test_support/temporary_folder.h"
#include "tools/tool_test_world.h"

#include <future>
#include <thread>

namespace morgan::tools {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class Timers : public ToolWorld {
 protected:
  void SetUp() override {
    ToolWorld::SetUp();
    listen();
  }
  /// Announcements go to `said_`. No thread: the test calls poll() itself.
  void listen() {
    announce_ = [this](const Timer&, const std::string& words, std::function<void()> heard) {
      if (!somebody_) return false;
      said_.push_back(words);
      if (hears_) heard();
      return true;
    };
    timers_->listen(announce_);
  }
  std::string rings() {
    said_.clear();
    next_ = timers_->poll();
    std::string all;
    for (const std::string& words : said_)
      all += (all.empty() ? "" : " | ") + words;
    return all;
  }
  std::size_t stored() { return items_->list("timer", "")->size(); }

  Announce announce_;
  std::vector<std::string> said_;
  std::optional<std::chrono::milliseconds> next_;
  bool somebody_ = true;
  bool hears_ = true;
};

TEST_F(Timers, ATimerRingsOnceWhenItIsDue) {
  ASSERT_TRUE(timers_->set("ann", TimerKind::kTimer, "tea", wall_ + minutes(3)));
  EXPECT_EQ(rings(), "");
  pass(seconds(175));
  EXPECT_EQ(rings(), "");
  EXPECT_EQ(*next_, seconds(5));
  pass(seconds(5));
  EXPECT_EQ(rings(), "Your tea timer is done.");
  EXPECT_EQ(rings(), "");
  EXPECT_FALSE(next_) << "nothing is waited for";
  EXPECT_EQ(stored(), 0U);
}

TEST_F(Timers, ARingWaitsForSomebodyToHearIt) {
  ASSERT_TRUE(timers_->set("ann", TimerKind::kTimer, "", wall_ + minutes(5)));
  somebody_ = false;
  pass(minutes(5));
  EXPECT_EQ(rings(), "");
  EXPECT_TRUE(timers_->list("ann")[0].rung);
  pass(minutes(30));
  somebody_ = true;
  EXPECT_EQ(rings(), "Your 5 minute timer is done. It was due today at a quarter past three in the afternoon.");
  rings();
  EXPECT_TRUE(timers_->list("ann").empty());
}

TEST_F(Timers, ARingThatWasNotHeardIsRepeated) {
  ASSERT_TRUE(timers_->set("ann", TimerKind::kTimer, "tea", wall_ + seconds(10)));
  hears_ = false;
  pass(seconds(10));
  EXPECT_EQ(rings(), "Your tea timer is done.");
  pass(seconds(30));
  EXPECT_EQ(rings(), "") << "it is being said, perhaps";
  pass(seconds(31));
  EXPECT_EQ(rings(), "Your tea timer is done.");
}

TEST_F(Timers, WhatNobodyHeardForADayIsForgotten) {
  ASSERT_TRUE(timers_->set("ann", TimerKind::kReminder, "x", wall_ + seconds(10)));
  somebody_ = false;
  pass(seconds(10));
  rings();
  pass(std::chrono::hours(25));
  rings();
  EXPECT_TRUE(timers_->list("ann").empty());
  EXPECT_EQ(stored(), 0U);
}

TEST_F(Timers, SurviveACrash) {
  ASSERT_TRUE(timers_->set("ann", TimerKind::kTimer, "tea", wall_ + minutes(3)));
  ASSERT_TRUE(timers_->set("bob", TimerKind::kReminder, "call my mother", wall_ + minutes(4)));
  pass(minutes(1));
  reopen();
  listen();
  ASSERT_EQ(timers_->list("ann").size(), 1U);
  EXPECT_EQ(rings(), "");
  pass(minutes(2));
  EXPECT_EQ(rings(), "Your tea timer is done.");
  EXPECT_EQ(rings(), "") << "and is forgotten";
  steady_ = std::chrono::steady_clock::time_point{};  // another boot: its clock begins anew
  wall_ += minutes(10);
  reopen();
  listen();
  EXPECT_EQ(rings(), "A reminder: call your mother. It was due today at 3:14 in the afternoon.");
}

TEST_F(Timers, ATimerRunsAsLongWhenTheClockIsSet) {
  ASSERT_TRUE(timers_->set("ann", TimerKind::kTimer, "tea", wall_ + minutes(3)));
  wall_ += std::chrono::hours(2);  // summer time by hand
  EXPECT_EQ(rings(), "");
  EXPECT_EQ(timers_->list("ann")[0].due, wall_ + minutes(3));
  wall_ -= std::chrono::hours(24);
  EXPECT_EQ(rings(), "");
  pass(minutes(3));
  EXPECT_EQ(rings(), "Your tea timer is done.");
}

TEST_F(Timers, AClockThatWasSetWhileNothingWasPendingIsNoneOfTheNextTimersBusiness) {
  wall_ += std::chrono::hours(2);
  ASSERT_TRUE(timers_->set("ann", TimerKind::kTimer, "tea", wall_ + minutes(3)));
  EXPECT_EQ(rings(), "");
  EXPECT_EQ(timers_->list("ann")[0].due, wall_ + minutes(3));
  reopen();
  listen();
  EXPECT_EQ(timers_->list("ann")[0].due, wall_ + minutes(3)) << "on the disk, too";
  pass(minutes(3));
  EXPECT_EQ(rings(), "Your tea timer is done.");
}

TEST_F(Timers, AClockThatWasSetBeforeAnotherTimerMovesTheFirstAlone) {
  ASSERT_TRUE(timers_->set("ann", TimerKind::kTimer, "tea", wall_ + minutes(3)));
  wall_ -= std::chrono::hours(1);
  ASSERT_TRUE(timers_->set("ann", TimerKind::kTimer, "egg", wall_ + minutes(6)));
  reopen();
  listen();
  const auto timers = timers_->list("ann");
  ASSERT_EQ(timers.size(), 2U);
  EXPECT_EQ(timers[0].due, wall_ + minutes(3));
  EXPECT_EQ(timers[1].due, wall_ + minutes(6));
}

TEST_F(Timers, AReminderFollowsTheClockThatIsSet) {
  ASSERT_TRUE(timers_->set("ann", TimerKind::kReminder, "lunch", wall_ + std::chrono::hours(2)));
  rings();
  EXPECT_EQ(*next_, TimerService::kLookAtClock) << "the clock may be set at any time";
  wall_ += std::chrono::hours(2);
  EXPECT_EQ(rings(), "A reminder: lunch.");
}

TEST_F(Timers, HaveLimits) {
  EXPECT_EQ(timers_->set("ann", TimerKind::kTimer, "", wall_).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(timers_->set("ann", TimerKind::kTimer, "", wall_ + std::chrono::hours(24 * 4000)).error().code,
            ErrorCode::kInvalidArgument);
  for (std::size_t i = 0; i < TimerService::kMostTimers; ++i)
    ASSERT_TRUE(timers_->set("ann", TimerKind::kTimer, "", wall_ + minutes(5)));
  EXPECT_EQ(timers_->set("ann", TimerKind::kTimer, "", wall_ + minutes(5)).error().code, ErrorCode::kOverloaded);
  EXPECT_TRUE(timers_->set("bob", TimerKind::kTimer, "", wall_ + minutes(5)));
}

TEST_F(Timers, AreCancelledByTheirOwnerAlone) {
  const auto timer = timers_->set("ann", TimerKind::kTimer, "tea", wall_ + minutes(3));
  ASSERT_TRUE(timer);
  EXPECT_EQ(timers_->cancel("bob", timer->id).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(timers_->cancel("ann", timer->id));
  EXPECT_EQ(timers_->cancel("ann", timer->id).error().code, ErrorCode::kNotFound);
  pass(minutes(3));
  EXPECT_EQ(rings(), "");
  ASSERT_TRUE(timers_->set("ann", TimerKind::kTimer, "tea", wall_ + minutes(3)));
  ASSERT_TRUE(timers_->set("ann", TimerKind::kReminder, "lunch", wall_ + minutes(3)));
  EXPECT_EQ(*timers_->forget("ann"), 2);
  EXPECT_EQ(stored(), 0U);
}

TEST_F(Timers, AreRingingUntilTheyAreHeardOrCancelled) {
  const std::string tea = timers_->set("ann", TimerKind::kTimer, "tea", wall_ + minutes(3))->id;
  const std::string egg = timers_->set("ann", TimerKind::kTimer, "egg", wall_ + minutes(3))->id;
  EXPECT_FALSE(timers_->is_ringing(tea)) << "not yet";
  std::function<void()> tea_is_heard;
  timers_->listen([&](const Timer& timer, const std::string&, std::function<void()> heard) {
    if (timer.id == tea) tea_is_heard = std::move(heard);
    return true;
  });
  pass(minutes(3));
  rings();
  EXPECT_TRUE(timers_->is_ringing(tea) && timers_->is_ringing(egg));
  tea_is_heard();
  EXPECT_FALSE(timers_->is_ringing(tea));
  ASSERT_TRUE(timers_->cancel("ann", egg));
  EXPECT_FALSE(timers_->is_ringing(egg));
}

/// A store whose remove() returns when the test lets it.
class SlowToRemove final : public stores::ItemStore {
 public:
  explicit SlowToRemove(stores::ItemStore& store) : store_(store) {}
  Result<void> put(const std::vector<stores::StoredItem>& items) override { return store_.put(items); }
  Result<long long> remove(const std::string& kind, const std::vector<std::string>& ids) override {
    auto removed = store_.remove(kind, ids);
    removed_.set_value();
    go_on_.get_future().wait();
    return removed;
  }
  Result<std::vector<stores::StoredItem>> list(const std::string& kind, const std::string& user_id) override {
    return store_.list(kind, user_id);
  }
  Result<long long> erase(const std::string& user_id) override { return store_.erase(user_id); }

  void until_removed() { removed_.get_future().wait(); }
  void go_on() { go_on_.set_value(); }

 private:
  stores::ItemStore& store_;
  std::promise<void> removed_;
  std::promise<void> go_on_;
};

TEST_F(Timers, WhatIsCancelledWhileItBeginsToRingComesNotBack) {
  SlowToRemove slow(*items_);
  auto timers = TimerService::open(slow, {[this] { return wall_; }, [this] { return steady_; }},
                                   [](const Timer& timer, WallTime) { return timer.label; });
  ASSERT_TRUE(timers);
  (*timers)->listen(announce_);
  const auto tea = (*timers)->set("ann", TimerKind::kTimer, "tea", wall_ + minutes(3));
  ASSERT_TRUE(tea);
  pass(minutes(3));
  std::thread cancels([&] { EXPECT_TRUE((*timers)->cancel("ann", tea->id)); });
  slow.until_removed();
  std::thread rings([&] { (*timers)->poll(); });
  const auto deadline = std::chrono::steady_clock::now() + seconds(20);
  while (!(*timers)->list("ann")[0].rung && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_TRUE((*timers)->list("ann")[0].rung) << "it did not begin to ring";
  slow.go_on();
  cancels.join();
  rings.join();
  EXPECT_EQ(stored(), 0U) << "it would ring after a restart";
  EXPECT_TRUE(said_.empty());
}

TEST_F(Timers, AStoredTimerThatCannotBeReadIsLeftOut) {
  ASSERT_TRUE(items_->put({{"timer", "bad", "ann", "{\"kind\":7}", ""}, {"timer", "worse", "ann", "garbage", ""}}));
  ASSERT_TRUE(timers_->set("ann", TimerKind::kTimer, "tea", wall_ + minutes(3)));
  reopen();
  EXPECT_EQ(timers_->list("ann").size(), 1U);
}

TEST(TimerThread, RingsByItself) {
  const test_support::TemporaryFolder folder;
  auto items = stores::open_sqlite_items(folder / "morgan.db");
  ASSERT_TRUE(items);
  auto timers =
      TimerService::open(**items, TimerClock::real(), [](const Timer& timer, WallTime) { return timer.label; });
  ASSERT_TRUE(timers);
  std::promise<std::string> rung;
  (*timers)->start([&rung](const Timer&, const std::string& words, const std::function<void()>& heard) {
    rung.set_value(words);
    heard();
    return true;
  });
  ASSERT_TRUE((*timers)->set("ann", TimerKind::kTimer, "soon", (*timers)->now() + std::chrono::milliseconds(50)));
  auto words = rung.get_future();
  ASSERT_EQ(words.wait_for(seconds(20)), std::future_status::ready);
  EXPECT_EQ(words.get(), "soon");
  (*timers)->stop();
  (*timers)->stop();
}

}  // namespace
}  // namespace morgan::tools
