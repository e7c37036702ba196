// Tools and rings in live conversations: the session, the store, timers and tools are real, time is simulated.
#include "dialogue/live/live_test_world.h"
#include "stores/sqlite/sqlite_item_store.h"
#include "tools/builtin_tools.h"
#include "tools/local_time.h"
#include "tools/timer_words.h"

namespace morgan::dialogue::live {
namespace {

class LiveTools : public LiveScript {
 protected:
  LiveTools() {
    auto items = stores::open_sqlite_items(folder_ / "morgan.db");
    EXPECT_TRUE(items);
    items_ = std::move(*items);
    zone_ = *tools::zone_named("UTC");
    auto timers = tools::TimerService::open(*items_, tools::TimerClock::real(),
                                            [](const tools::Timer&, tools::WallTime) { return "Ring."; });
    EXPECT_TRUE(timers);
    timers_ = std::move(*timers);
    EXPECT_TRUE(tools::add_builtin_tools(registry_, {zone_, items_.get(), timers_.get()}));
    runner_ = std::make_unique<tools::ToolRunner>(registry_, tools::ToolPolicy(), metrics_, [] {
      return tools::WallTime(std::chrono::hours(15) + std::chrono::minutes(10));
    });
    agent_ = std::make_unique<tools::ToolAgent>(*runner_, nullptr, zone_);
    parts_.tools = agent_.get();
  }
  std::size_t timers() const { return timers_->list("ann").size(); }

  cctz::time_zone zone_;
  std::unique_ptr<stores::ItemStore> items_;
  std::unique_ptr<tools::TimerService> timers_;
  tools::ToolRegistry registry_;
  std::unique_ptr<tools::ToolRunner> runner_;
  std::unique_ptr<tools::ToolAgent> agent_;
};

TEST_F(LiveTools, ASpokenRequestIsAnsweredByItsTool) {
  begin();
  ask("what time is it?");
  EXPECT_EQ(client_.story(), "heard 'what time is it?'; start 1; end 1 completed 'It is ten past three.'");
  EXPECT_TRUE(llm_.requests.empty());
  EXPECT_EQ(kept(), "user:what time is it?|assistant:It is ten past three.");
  EXPECT_EQ(Json::parse((*store_->recent("ann", 5))[1].metadata)["tools"], Json::array({"time"}));
}

TEST_F(LiveTools, AWrittenOneToo) {
  begin();
  session_->say("What time is it?");
  until_phase(Phase::kListening);
  EXPECT_EQ(client_.story(), "start 1; end 1 completed 'It is ten past three.'");
}

TEST_F(LiveTools, TalkIsDraftedBeforeTheTurnIsOver) {
  begin();
  ask("what is the time?");  // no rule has this: it is the script's own question
  ask("tell me about rivers.");
  EXPECT_EQ(client_.ends, 2);
  EXPECT_FALSE(llm_.requests.empty());
  EXPECT_EQ(client_.story({"state"}).rfind("paused; state speaking"), client_.story({"state"}).rfind("paused"))
      << "the answer was there when the turn was over";
}

TEST_F(LiveTools, NothingRunsUntilTheTurnIsCertain) {
  begin();
  turn_.probability = 0.05F;
  say("set a timer for five minutes");
  until_phase(Phase::kPaused);
  silence(400);
  EXPECT_EQ(timers(), 0U) << "they may go on";
  turn_.probability = 0.97F;
  say("and ten seconds.");
  until([this] { return client_.ends == 1; });
  ASSERT_EQ(timers(), 1U);
  EXPECT_EQ(timers_->list("ann")[0].length_seconds, 310);
}

TEST_F(LiveTools, ATurnThatGoesOnAfterItsCommitSetsOneTimerNotTwo) {
  begin();
  turn_.probability = 0.05F;
  say("set a timer for five minutes");
  until_phase(Phase::kPaused);
  silence(200);
  pool_.hang_next = 3;  // the question's write, and the two halves of the answer
  session_->commit();
  settle();
  ASSERT_EQ(session_->phase(), Phase::kThinking);
  turn_.probability = 0.97F;
  say("and ten seconds.");
  pool_.release();
  until([this] { return client_.ends == 2; });
  EXPECT_EQ(client_.count("end 1 reopened"), 1U) << client_.story();
  ASSERT_EQ(timers(), 1U);
  EXPECT_EQ(timers_->list("ann")[0].length_seconds, 310);
}

TEST_F(LiveTools, ARingIsSaidOutsideTheConversation) {
  begin();
  ask("what time is it?");
  bool heard = false;
  EXPECT_TRUE(session_->announce({"tea", "Your tea timer is done.", nullptr, [&heard] { heard = true; }}));
  until([this] { return client_.ends == 2; });
  EXPECT_TRUE(heard);
  EXPECT_TRUE(client_.seen("end 2 completed 'Your tea timer is done.'")) << client_.story();
  EXPECT_EQ(client_.count("aside"), 1U);
  EXPECT_EQ(store_->recent("ann", 10)->size(), 2U) << "not part of the conversation";
}

TEST_F(LiveTools, ARingWaitsUntilNobodySpeaks) {
  begin();
  say("what time is");
  bool heard = false;
  EXPECT_TRUE(session_->announce({"tea", "Your tea timer is done.", nullptr, [&heard] { heard = true; }}));
  EXPECT_TRUE(session_->announce({"egg", "Your egg timer is done."}));
  say("it?");
  until_phase(Phase::kSpeaking);
  EXPECT_FALSE(heard);
  until([this] { return client_.ends == 3; });
  EXPECT_EQ(
      client_.story({"end"}),
      "end 1 completed 'It is ten past three.'; end 2 completed 'Your tea timer is done.'; end 3 completed 'Your egg "
      "timer is done.'");
}

TEST_F(LiveTools, ARingThatIsAnnouncedAgainWhileItWaitsIsSaidOnce) {
  begin();
  say("what time is");
  EXPECT_TRUE(session_->announce({"tea", "Your tea timer is done."}));
  EXPECT_TRUE(session_->announce({"egg", "Your egg timer is done."}));
  EXPECT_TRUE(session_->announce({"tea", "Your tea timer is done. It was due before."}));
  say("it?");
  until([this] { return client_.ends == 3; });
  silence(2'000);
  EXPECT_EQ(
      client_.story({"end"}),
      "end 1 completed 'It is ten past three.'; end 2 completed 'Your tea timer is done. It was due before.'; end "
      "3 completed 'Your egg timer is done.'");
}

TEST_F(LiveTools, ARingIsNotBegunAgainWhileItIsSaid) {
  begin();
  EXPECT_TRUE(session_->announce({"tea", "Your tea timer is done."}));
  EXPECT_TRUE(session_->announce({"tea", "Your tea timer is done."}));
  until([this] { return client_.ends == 1; });
  silence(2'000);
  EXPECT_EQ(client_.ends, 1);
}

TEST_F(LiveTools, ARingThatIsOverWhenItsTimeComesIsNotSaid) {
  begin();
  say("what time is");
  bool wanted = true;
  EXPECT_TRUE(session_->announce({"tea", "Your tea timer is done.", [&wanted] { return wanted; }}));
  EXPECT_TRUE(session_->announce({"egg", "Your egg timer is done."}));
  say("it?");
  until_phase(Phase::kSpeaking);
  wanted = false;
  until([this] { return client_.ends == 2; });
  silence(2'000);
  EXPECT_EQ(client_.story({"end"}),
            "end 1 completed 'It is ten past three.'; end 2 completed 'Your egg timer is done.'");
}

TEST_F(LiveTools, AClientThatIsToldNothingIsNotCountedAsTold) {
  LiveConfig config;
  config.asides = false;
  begin(config);
  const auto told = session_->can_be_told();
  EXPECT_FALSE(*told);
  EXPECT_FALSE(session_->announce({"tea", "Your tea timer is done."}));
  config = session_->config();
  config.asides = true;
  session_->configure(config);
  EXPECT_TRUE(*told);
  session_->gone();
  settle();
  EXPECT_FALSE(*told) << "it has ended";
}

TEST_F(LiveTools, WhatHalfASentenceDidIsTakenBackThoughThePoolHadNoRoomForIt) {
  begin();
  turn_.probability = 0.05F;
  say("set a timer for five minutes");
  until_phase(Phase::kPaused);
  silence(200);
  pool_.let_through = 2;  // the question's write, and the answer's words
  pool_.hang_next = 1;    // its voice
  session_->commit();
  settle();
  ASSERT_EQ(session_->phase(), Phase::kThinking);
  ASSERT_EQ(timers(), 1U);
  turn_.probability = 0.97F;
  const auto word = SpokenCode::word("and");
  const std::span<const float> samples(word);
  std::size_t at = 0;
  for (; at < samples.size() && !client_.seen("end 1 reopened ''"); at += 160) {
    pass(10);
    pool_.full = true;
    session_->push_audio(samples.subspan(at, std::min<std::size_t>(160, samples.size() - at)));
    strand_->run_until_idle();
    pool_.full = false;
  }
  ASSERT_TRUE(client_.seen("end 1 reopened ''")) << client_.story();
  EXPECT_EQ(timers(), 1U) << "not yet";
  if (at < samples.size()) hear(samples.subspan(at));
  EXPECT_EQ(timers(), 0U);
  pool_.release();
  silence(150);
  say("ten seconds.");
  until([this] { return client_.ends == 2; });
  ASSERT_EQ(timers(), 1U);
  EXPECT_EQ(timers_->list("ann")[0].length_seconds, 310);
}

TEST_F(LiveTools, RingsThatNobodyWaitsForAreBounded) {
  begin();
  say("tell me");
  int taken = 0;
  for (int i = 0; i < 100; ++i)
    taken += session_->announce({"ring " + std::to_string(i), "Ring."}) ? 1 : 0;
  EXPECT_EQ(taken, 16);
}

}  // namespace
}  // namespace morgan::dialogue::live
