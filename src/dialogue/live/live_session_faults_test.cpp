// What goes wrong in a conversation: engines that fail or hang, clients that go, a server that stops, a store that
// refuses. The conversation goes on, or ends cleanly; CheckingOutput watches.
#include "dialogue/live/live_test_world.h"

namespace morgan::dialogue::live {
namespace {

class LiveFaults : public LiveScript {
 protected:
  /// The engines of the next answer hang.
  void hang_answer() {
    stt_.on_live = [this] {
      pool_.hang_next = 2;
      stt_.on_live = nullptr;
    };
  }
  void expect_it_goes_on() {
    const int ends = client_.ends;
    until_phase(Phase::kListening);
    silence(500);
    say("turn on the light.");
    until([this, ends] { return client_.ends > ends && client_.lines.back() == "state listening"; });
    EXPECT_EQ(client_.finals.back(), "turn on the light.");
    EXPECT_EQ(client_.count("end " + std::to_string(client_.starts) + " completed"), 1U) << client_.story();
  }
  /// Brings a conversation into the phase.
  void enter(Phase phase) {
    begin();
    llm_.answers.push_back({"One two three four five six seven eight nine ten eleven twelve."});
    if (phase == Phase::kListening) return silence(100);
    if (phase == Phase::kHearing) return say("what is");
    if (phase == Phase::kPaused) turn_.probability = 0.0F;
    if (phase == Phase::kThinking) hang_answer();
    say("what is the time?");
    const bool over_answer = phase == Phase::kDucked || phase == Phase::kHeld;
    until_phase(over_answer ? Phase::kSpeaking : phase);
    if (phase == Phase::kSpeaking) silence(300);
    if (!over_answer) return;
    silence(400);
    const auto sound = SpokenCode::burst(2'000, 0.21F);
    for (std::size_t at = 0; at < sound.size() && session_->phase() != phase; at += 160)
      hear(std::span<const float>(sound).subspan(at, 160));
    ASSERT_EQ(session_->phase(), phase);
  }
};

constexpr std::array kPhases{Phase::kListening, Phase::kHearing, Phase::kPaused, Phase::kThinking,
                             Phase::kSpeaking,  Phase::kDucked,  Phase::kHeld};

class LiveInEachPhase : public LiveFaults, public ::testing::WithParamInterface<Phase> {};
INSTANTIATE_TEST_SUITE_P(Phases, LiveInEachPhase, ::testing::ValuesIn(kPhases),
                         [](const auto& phase) { return std::string(to_string(phase.param)); });

TEST_P(LiveInEachPhase, AClientThatGoesLeavesNothingOpen) {
  enter(GetParam());
  session_->gone();
  EXPECT_EQ(client_.open(), 0);
  settle();
  EXPECT_TRUE(client_.closed);
  session_->push_audio(SpokenCode::word("hello."));
  session_->say("Too late.");
  session_->gone();
  session_->shut_down();
  pool_.release();
  pass(30'000);
  EXPECT_EQ(client_.starts, client_.ends);
}

TEST_P(LiveInEachPhase, AServerThatStopsFinishesWhatWasBeingSaid) {
  enter(GetParam());
  const bool something = GetParam() != Phase::kListening;
  session_->shut_down();
  session_->shut_down();
  pass(9'000);
  EXPECT_TRUE(client_.closed) << client_.story();
  EXPECT_EQ(client_.finals.size(), something ? 1U : 0U);
  EXPECT_EQ(client_.starts, something ? 1 : 0);
  EXPECT_EQ(client_.count("end 1 "), something ? 1U : 0U);
  if (GetParam() == Phase::kHearing || GetParam() == Phase::kPaused || GetParam() == Phase::kSpeaking) {
    EXPECT_EQ(client_.count("end 1 completed 'One two"), 1U) << client_.story();
  }
  EXPECT_EQ(kept().starts_with("user:what is"), something) << kept();
}

TEST_P(LiveInEachPhase, AMessageIsAnswered) {
  enter(GetParam());
  session_->say("Never mind.");
  until([this] { return client_.open() == 0 && session_->phase() == Phase::kListening; });
  EXPECT_EQ(client_.count("end " + std::to_string(client_.starts) + " completed"), 1U) << client_.story();
  EXPECT_NE(kept().find("user:Never mind.|assistant:"), std::string::npos) << kept();
}

TEST_P(LiveInEachPhase, ABrokenVadIsTold) {
  enter(GetParam());
  vad_.broken = true;
  silence(100);
  EXPECT_FALSE(client_.errors.empty());
  vad_.broken = false;
  pass(40'000);
  EXPECT_EQ(client_.starts, client_.ends);
  EXPECT_EQ(session_->phase(), Phase::kListening);
}

TEST_F(LiveFaults, AModelThatFailsIsExcusedAndTheConversationGoesOn) {
  begin();
  llm_.error_at_once = Error{ErrorCode::kUnavailable, "the model has gone"};
  say("what is the time?");
  until([this] { return client_.ends == 2; });
  EXPECT_EQ(client_.story(),
            "heard 'what is the time?'; start 1; end 1 failed ''; aside 2; end 2 completed 'Sorry, "
            "something went wrong. Please say that again.'");
  ASSERT_FALSE(client_.errors.empty());
  EXPECT_EQ(client_.errors[0].message, "the model has gone");
  EXPECT_EQ(kept(), "user:what is the time?") << "the apology is not part of the conversation";
  llm_.error_at_once.reset();
  expect_it_goes_on();
}

TEST_F(LiveFaults, AModelThatFailsAmidTheAnswerIsHeardAsFarAsItCame) {
  begin();
  llm_.answers.push_back({"One two three four. Five six seven eight. "});
  llm_.error_at_end = Error{ErrorCode::kUnavailable, "the model has gone"};
  say("what is the time?");
  until([this] { return client_.ends == 2; });
  EXPECT_EQ(client_.count("end 1 failed 'One two three four."), 1U) << client_.story();
  EXPECT_EQ(client_.count("end 2 completed 'Sorry"), 1U) << client_.story();
  llm_.error_at_end.reset();
  expect_it_goes_on();
}

TEST_F(LiveFaults, AVoiceThatFailsIsTold) {
  begin();
  tts_.fail_always = true;
  say("what is the time?");
  until([this] { return client_.ends == 1; });
  EXPECT_EQ(client_.count("end 1 failed"), 1U) << client_.story();
  silence(1'000);
  EXPECT_EQ(client_.starts, 1) << "an apology that cannot be spoken is none";
  tts_.fail_always = false;
  expect_it_goes_on();
}

TEST_F(LiveFaults, ATranscriptionThatFailsIsExcused) {
  begin();
  stt_.error = Error{ErrorCode::kUnavailable, "Whisper has gone"};
  say("what is the time?");
  until([this] { return client_.ends == 1; });
  EXPECT_EQ(client_.story({"heard", "start", "aside", "end"}),
            "aside 1; end 1 completed 'Sorry, something went wrong. Please say that again.'");
  stt_.error.reset();
  expect_it_goes_on();
}

TEST_F(LiveFaults, ATranscriptionThatHangsIsExcusedAfterItsDeadline) {
  begin();
  hear(SpokenCode::word("what"));
  settle();
  pool_.hang_next = 1;  // the partial transcript, and so all that would follow it
  say("is the time? what is the time?");
  until([this] { return client_.ends == 1; }, 30'000);
  EXPECT_TRUE(client_.seen("aside 1")) << client_.story();
  pool_.release();
  expect_it_goes_on();
}

TEST_F(LiveFaults, AModelThatHangsIsExcusedAfterItsDeadline) {
  begin();
  hang_answer();
  say("what is the time?");
  until_phase(Phase::kThinking);
  until([this] { return client_.ends == 2; }, 60'000);
  EXPECT_TRUE(client_.seen("end 1 failed ''")) << client_.story();
  EXPECT_EQ(client_.count("end 2 completed 'Sorry"), 1U);
  pool_.release();
  expect_it_goes_on();
}

TEST_F(LiveFaults, AnAnswerThatTakesLongIsBridged) {
  parts_.options.limits.filler_after = 1'000;
  begin();
  hang_answer();
  say("what is the time?");
  until([this] { return client_.received > 0; });
  EXPECT_EQ(session_->phase(), Phase::kThinking);
  EXPECT_TRUE(client_.turns.empty());
  pool_.release();
  until_phase(Phase::kListening);
  EXPECT_EQ(client_.story({"heard", "start", "filler", "end"}),
            "heard 'what is the time?'; start 1; filler 'One moment.'; end 1 completed 'It is noon. Time for lunch!'");
  EXPECT_GT(client_.received, LiveTts::samples_for({"It is noon. Time for lunch!"}));
  EXPECT_EQ(kept(), "user:what is the time?|assistant:It is noon. Time for lunch!");
}

TEST_F(LiveFaults, OfAnAnswerThatWasBridgedOnlyItsOwnWordsWereHeard) {
  parts_.options.limits.filler_after = 300;
  begin();
  llm_.answers.push_back({"One two three four five six seven eight nine ten eleven twelve."});
  hang_answer();
  say("what is the time?");
  until([this] { return client_.received > 9'000; });
  pool_.release();
  until_phase(Phase::kSpeaking);
  silence(700);
  session_->cancel();
  EXPECT_EQ(client_.count("end 1 cancelled 'One two"), 1U) << client_.story();
}

TEST_F(LiveFaults, WhoSpeaksIntoTheBridgeReopensTheTurn) {
  parts_.options.limits.filler_after = 300;
  begin();
  hang_answer();
  say("turn on the light");
  until([this] { return client_.received > 0; });
  say("and the radio.");
  until([this] { return client_.ends >= 2 && session_->phase() == Phase::kListening; });
  EXPECT_EQ(client_.count("end 1 reopened"), 1U) << client_.story();
  EXPECT_EQ(client_.finals.back(), "turn on the light and the radio.");
}

TEST_F(LiveFaults, ABrokenTurnModelLeavesTheWordsToDecide) {
  begin();
  turn_.broken = true;
  ask("what is the time?");
  EXPECT_EQ(client_.count("end 1 completed"), 1U);
}

TEST_F(LiveFaults, WithoutATurnModelTheWordsDecide) {
  parts_.turn = nullptr;
  begin();
  ask("what is the time?");
  EXPECT_EQ(client_.count("end 1 completed"), 1U);
}

TEST_F(LiveFaults, APoolWithoutRoomFailsTheTurnAndNotTheConversation) {
  begin();
  say("what is");
  pool_.full = true;
  say("the time?");
  silence(3'000);
  pool_.full = false;
  EXPECT_EQ(client_.starts, 0);
  EXPECT_FALSE(client_.errors.empty());
  expect_it_goes_on();
}

TEST_F(LiveFaults, WhatWasSaidIsStoredThoughThePoolHadNoRoomForIt) {
  begin();
  hang_answer();
  say("what is the time?");
  until_phase(Phase::kPaused);
  pool_.full = true;
  until_phase(Phase::kThinking);
  session_->gone();
  pass(2'000);
  EXPECT_FALSE(client_.closed) << "it waits until all is stored";
  pool_.full = false;
  pass(2'000);
  EXPECT_TRUE(client_.closed);
  EXPECT_EQ(kept(), "user:what is the time?");
}

TEST_F(LiveFaults, APlayerThatNeverPlaysIsGivenUp) {
  begin();
  llm_.answers.push_back({"One two three four five six seven eight nine ten eleven twelve."});
  say("what is the time?");
  until_phase(Phase::kSpeaking);
  for (int i = 0; i < 200 && client_.ends == 0; ++i) {
    session_->report_played(client_.open(), 0);
    silence(100);
  }
  EXPECT_EQ(client_.count("end 1 failed"), 1U) << client_.story();
}

TEST_F(LiveFaults, ReportsOfOtherAnswersSayNothing) {
  begin();
  say("what is the time?");
  until_phase(Phase::kSpeaking);
  session_->report_played(99, 5'000);
  session_->report_played(-1, 5'000);
  session_->report_played(client_.open(), 1'000'000'000);
  until_phase(Phase::kListening);
  EXPECT_EQ(client_.count("end 1 completed"), 1U);
  session_->report_played(1, 5);
}

TEST_F(LiveFaults, AnApologyThatIsCutOffByTheEndHasItsEnd) {
  begin();
  llm_.error_at_once = Error{ErrorCode::kUnavailable, "the model has gone"};
  say("what is the time?");
  until([this] { return client_.count("aside") == 1; });
  session_->shut_down();
  settle();
  EXPECT_TRUE(client_.closed);
  EXPECT_EQ(client_.starts, client_.ends) << client_.story();
}

TEST_F(LiveFaults, AnAnswerOfManyTurnsLeavesNothingBehind) {
  begin();
  std::weak_ptr<LiveSession> alive = session_;
  ask("what is the time?");
  session_->shut_down();
  settle();
  session_.reset();
  settle();
  strand_->advance(std::chrono::minutes(2));
  EXPECT_TRUE(alive.expired()) << "something still holds the conversation";
  EXPECT_EQ(strand_->timers(), 0U);
}

}  // namespace
}  // namespace morgan::dialogue::live
