// Whole conversations as scripts, on the real session with the real store; time is simulated and the engines are
// actors. CheckingOutput checks in each of them what must hold always.
#include "dialogue/live/live_test_world.h"

namespace morgan::dialogue::live {
namespace {

constexpr std::string_view kAnswer = "It is noon. Time for lunch!";

class LiveDialogue : public LiveScript {};

TEST_F(LiveDialogue, AQuestionIsHeardAnsweredAndKept) {
  begin();
  silence(500);
  ask("what is the time?");
  EXPECT_EQ(client_.story(), "heard 'what is the time?'; start 1; end 1 completed 'It is noon. Time for lunch!'");
  // The draft was there before the turn was over: nobody waited for it.
  EXPECT_EQ(client_.story({"state"}), "state hearing; state paused; state speaking; state listening");
  EXPECT_EQ(client_.received, LiveTts::samples_for({std::string(kAnswer)}));
  EXPECT_EQ(kept(), "user:what is the time?|assistant:" + std::string(kAnswer));
  ASSERT_EQ(client_.turns.size(), 1U);
  EXPECT_EQ(client_.turns[0]["outcome"], "completed");
  EXPECT_EQ(client_.turns[0]["user_id"], "ann");
  double sum = 0;
  for (const auto& stage : client_.turns[0]["stages"])
    sum += stage["ms"].get<double>();
  EXPECT_NEAR(sum, client_.turns[0]["total_ms"].get<double>(), 0.01);
  EXPECT_EQ(log_.recent(5, "ann").size(), 1U);
  EXPECT_TRUE(client_.errors.empty());
}

TEST_F(LiveDialogue, TheNextQuestionKnowsTheOneBefore) {
  begin();
  ask("what is the time?");
  silence(300);
  ask("turn on the light.");
  ASSERT_GE(llm_.requests.size(), 2U);
  const auto& prompt = llm_.requests.back().messages;
  ASSERT_EQ(prompt.size(), 4U);
  EXPECT_EQ(prompt[1].content, "what is the time?");
  EXPECT_EQ(prompt[2].content, kAnswer);
  EXPECT_EQ(prompt[3].content, "turn on the light.");
  EXPECT_EQ(client_.ends, 2);
}

TEST_F(LiveDialogue, WhileTheySpeakTheModelReadsAlong) {
  begin();
  say("turn on the light and turn on the radio.");
  ASSERT_FALSE(llm_.prefilled.empty());
  EXPECT_TRUE(llm_.prefilled.back().content.starts_with("turn on"));
}

TEST_F(LiveDialogue, WhileItsAnswerIsHeardTheModelReadsHowTheNextPromptBegins) {
  begin();
  ask("what is the time?");
  silence(300);
  const auto begun = llm_.prefilled;
  ask("turn on the light.");
  const auto& prompt = llm_.requests.back().messages;
  ASSERT_EQ(begun.size(), prompt.size());
  for (std::size_t i = 0; i + 1 < begun.size(); ++i)
    EXPECT_EQ(begun[i].content, prompt[i].content);
  EXPECT_EQ(begun.back().role, "user");
  EXPECT_EQ(begun.back().content, "");
}

TEST_F(LiveDialogue, WhatTheySpokeIsWhatTheyLikelySpeak) {
  begin();
  ask("what is the time in my kitchen.");  // long enough to tell a language by
  EXPECT_EQ(stt_.likely_language, "");
  silence(300);
  ask("turn on the light.");
  EXPECT_EQ(stt_.likely_language, "en");
}

TEST_F(LiveDialogue, APauseAndGoingOnDropsTheDraftUnseen) {
  begin();
  turn_.probability = 0.05F;
  say("turn on the light");
  until_phase(Phase::kPaused);
  silence(300);
  EXPECT_GE(llm_.requests.size(), 1U) << "an answer was being made";
  say("and the radio.");
  EXPECT_EQ(client_.starts, 0);
  EXPECT_EQ(client_.received, 0U);
  EXPECT_EQ(kept(), "");
  turn_.probability = 0.97F;
  until_phase(Phase::kListening);
  EXPECT_EQ(client_.story({"heard", "start", "end"}),
            "heard 'turn on the light and the radio.'; start 1; end 1 completed 'It is noon. Time for lunch!'");
  EXPECT_EQ(kept(), "user:turn on the light and the radio.|assistant:" + std::string(kAnswer));
}

TEST_F(LiveDialogue, ASoundAtTheEndOfAPauseDelaysTheEndOfTheTurnALittle) {
  begin();
  turn_.probability = 0.05F;
  const auto pause = [this] {
    say("turn on the light.");
    until_phase(Phase::kPaused);
    Ms waited = 0;
    for (; session_->phase() == Phase::kPaused; waited += 20)
      silence(20);
    return waited;
  };
  const Ms usual = pause();
  until_phase(Phase::kListening);

  say("turn on the light.");
  until_phase(Phase::kPaused);
  silence(usual - 100);
  // To the voice detector it is nothing; it may be the soft beginning of a word.
  hear(SpokenCode::burst(140, 0.02F));
  EXPECT_EQ(session_->phase(), Phase::kPaused);
  EXPECT_EQ(client_.count("duck"), 0U);
  silence(220);
  EXPECT_NE(session_->phase(), Phase::kPaused) << "it was nothing";
  until_phase(Phase::kListening);

  say("turn on the light.");
  until_phase(Phase::kPaused);
  silence(usual - 100);
  hear(SpokenCode::burst(600, 0.02F));
  EXPECT_NE(session_->phase(), Phase::kPaused) << "a noise that stays keeps nobody waiting";
}

TEST_F(LiveDialogue, GoingOnAfterTheCommitReopensTheTurn) {
  begin();
  // The answer's engines hang, so that nothing of it can be heard yet.
  stt_.on_live = [this] {
    pool_.hang_next = 2;
    stt_.on_live = nullptr;
  };
  say("turn on the light");
  until_phase(Phase::kThinking);
  EXPECT_EQ(kept(), "user:turn on the light") << "stored at the commit";
  say("and the radio.");
  until([this] { return client_.ends == 2; });
  EXPECT_EQ(client_.story(),
            "heard 'turn on the light'; start 1; end 1 reopened ''; heard 'turn on the light and the "
            "radio.'; start 2; end 2 completed 'It is noon. Time for lunch!'");
  EXPECT_EQ(kept(), "user:turn on the light and the radio.|assistant:" + std::string(kAnswer)) << "one message";
  EXPECT_EQ(llm_.requests.back().messages.size(), 2U) << "and one in the prompt";
  // What hung comes back at last, and nobody hears it.
  const std::size_t received = client_.received;
  pool_.release();
  silence(500);
  EXPECT_EQ(client_.received, received);
}

TEST_F(LiveDialogue, ReopenedAndInterruptedByAMessageBothAreKept) {
  begin();
  stt_.on_live = [this] {
    pool_.hang_next = 2;
    stt_.on_live = nullptr;
  };
  say("turn on the light");
  until_phase(Phase::kThinking);
  say("and");
  ASSERT_EQ(session_->phase(), Phase::kHearing);
  session_->say("Never mind.");
  until_phase(Phase::kListening);
  EXPECT_EQ(kept(), "user:turn on the light|user:Never mind.|assistant:" + std::string(kAnswer));
}

TEST_F(LiveDialogue, AnInterruptionKeepsExactlyTheWordsHeard) {
  begin();
  llm_.answers.push_back({"One two three four five six seven eight nine ten eleven twelve."});
  say("what is the time?");
  until_phase(Phase::kSpeaking);
  silence(700);
  say("turn on the radio.");
  until([this] { return client_.ends == 2; });
  const std::string story = client_.story({"duck", "hold", "resume", "unduck", "end", "heard"});
  ASSERT_TRUE(story.starts_with("heard 'what is the time?'; duck; hold; end 1 interrupted 'One two three four"))
      << story;
  EXPECT_EQ(client_.finals.back(), "turn on the radio.");
  const auto messages = *store_->recent("ann", 10);
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[1].role, "assistant");
  EXPECT_TRUE(client_.seen("end 1 interrupted '" + messages[1].content + "'"));
  EXPECT_NE(messages[1].metadata.find("\"interrupted\":true"), std::string::npos);
  EXPECT_EQ(messages[2].content, "turn on the radio.");
}

TEST_F(LiveDialogue, WhatThePlayerReportsDecidesWhatWasHeard) {
  begin();
  llm_.answers.push_back({"One two three four five six seven eight nine ten eleven twelve."});
  say("what is the time?");
  until_phase(Phase::kSpeaking);
  silence(800);
  // The player is far behind: of the answer it has played "One two" and no more, letters of 50 ms each.
  session_->report_played(client_.open(), 6 * LiveTts::kUsualSamples);
  session_->cancel();
  settle();
  EXPECT_TRUE(client_.seen("end 1 cancelled 'One two'")) << client_.story();
  EXPECT_EQ(kept(), "user:what is the time?|assistant:One two");
}

TEST_F(LiveDialogue, ACoughDucksAndGoesOn) {
  begin();
  llm_.answers.push_back({"One two three four five six seven eight nine ten eleven twelve."});
  say("what is the time?");
  until_phase(Phase::kSpeaking);
  silence(700);
  hear(SpokenCode::cough(100));
  until_phase(Phase::kListening);
  EXPECT_EQ(client_.count("end 1 completed 'One two"), 1U) << client_.story();
  EXPECT_GE(client_.count("duck"), 1U);
  EXPECT_EQ(client_.count("duck"), client_.count("unduck") + client_.count("resume"));
  EXPECT_EQ(client_.received,
            LiveTts::samples_for({"One two three four five six seven eight nine ten eleven twelve."}));
  EXPECT_EQ(client_.starts, 1);
}

TEST_F(LiveDialogue, ABackchannelIsHeldAndResumedAtTheExactSample) {
  begin();
  llm_.answers.push_back({"One two three four five six seven eight nine ten eleven twelve."});
  say("what is the time?");
  until_phase(Phase::kSpeaking);
  silence(700);
  say("mhm");
  until_phase(Phase::kListening);
  EXPECT_EQ(client_.story({"hold", "resume", "end"}),
            "hold; resume; end 1 completed 'One two three four five six seven eight nine ten eleven twelve.'");
  EXPECT_EQ(client_.received,
            LiveTts::samples_for({"One two three four five six seven eight nine ten eleven twelve."}));
  EXPECT_EQ(client_.finals.size(), 1U) << "no turn of its own";
  EXPECT_EQ(kept(), "user:what is the time?|assistant:One two three four five six seven eight nine ten eleven twelve.");
}

TEST_F(LiveDialogue, OneWordStopsMorgan) {
  begin();
  llm_.answers.push_back({"One two three four five six seven eight nine ten eleven twelve."});
  say("what is the time?");
  until_phase(Phase::kSpeaking);
  silence(700);
  say("stop.");
  until([this] { return client_.ends == 1; });
  EXPECT_EQ(client_.count("end 1 interrupted"), 1U);
}

TEST_F(LiveDialogue, WithoutBargeInNobodyInterrupts) {
  LiveConfig config;
  config.barge_in = false;
  begin(config);
  llm_.answers.push_back({"One two three four five six seven eight nine ten eleven twelve."});
  say("what is the time?");
  until_phase(Phase::kSpeaking);
  silence(300);
  say("turn on the radio.");
  until_phase(Phase::kListening);
  EXPECT_EQ(client_.count("duck"), 0U);
  EXPECT_EQ(client_.count("end 1 completed"), 1U) << client_.story();
}

TEST_F(LiveDialogue, WhoGoesOnSpeakingOverTheEndIsHeard) {
  begin();
  llm_.answers.push_back({"One two three."});
  say("what is the time?");
  until_phase(Phase::kSpeaking);
  until_played(450);
  // Begins a moment before Morgan ends.
  say("turn on the radio.");
  until([this] { return client_.finals.size() == 2; });
  EXPECT_EQ(client_.finals.back(), "turn on the radio.");
}

TEST_F(LiveDialogue, AWrittenMessageIsAnsweredAndStandsOnceInThePrompt) {
  begin();
  session_->say("  What is the time?  ");
  until_phase(Phase::kListening);
  EXPECT_EQ(client_.story(), "start 1; end 1 completed 'It is noon. Time for lunch!'");
  EXPECT_EQ(kept(), "user:What is the time?|assistant:" + std::string(kAnswer));
  ASSERT_EQ(llm_.requests.size(), 1U);
  ASSERT_EQ(llm_.requests[0].messages.size(), 2U);
  EXPECT_EQ(llm_.requests[0].messages[1].content, "What is the time?");
}

TEST_F(LiveDialogue, AWrittenMessageInterruptsTheAnswer) {
  begin();
  llm_.answers.push_back({"One two three four five six seven eight nine ten eleven twelve."});
  say("what is the time?");
  until_phase(Phase::kSpeaking);
  silence(700);
  session_->say("And in Paris?");
  until_phase(Phase::kListening);
  EXPECT_EQ(client_.count("end 1 interrupted 'One two"), 1U) << client_.story();
  EXPECT_EQ(client_.count("end 2 completed"), 1U);
  ASSERT_EQ(store_->recent("ann", 10)->size(), 4U);
}

TEST_F(LiveDialogue, EmptyMessagesAreNone) {
  begin();
  session_->say("");
  session_->say(" \n ");
  silence(200);
  EXPECT_EQ(client_.starts, 0);
}

TEST_F(LiveDialogue, CancelEndsTheAnswerInEachPhase) {
  begin();
  session_->cancel();
  stt_.on_live = [this] {
    pool_.hang_next = 2;
    stt_.on_live = nullptr;
  };
  say("what is the time?");
  until_phase(Phase::kThinking);
  session_->cancel();
  EXPECT_TRUE(client_.seen("end 1 cancelled ''"));
  EXPECT_EQ(session_->phase(), Phase::kListening);
  silence(500);
  say("turn on the light.");
  until_phase(Phase::kSpeaking);
  silence(200);
  session_->cancel();
  session_->cancel();
  EXPECT_EQ(client_.count("end 2 cancelled"), 1U) << client_.story();
  silence(500);
  EXPECT_EQ(client_.starts, 2);
}

TEST_F(LiveDialogue, WithAButtonThePauseDoesNotEndTheTurn) {
  LiveConfig config;
  config.mode = TurnMode::kPress;
  begin(config);
  say("turn on the light");
  silence(3'000);
  EXPECT_EQ(session_->phase(), Phase::kHearing);
  say("and the radio.");
  session_->commit();
  until_phase(Phase::kListening);
  EXPECT_EQ(client_.finals, (std::vector<std::string>{"turn on the light and the radio."}));
  EXPECT_EQ(client_.count("end 1 completed"), 1U);
}

TEST_F(LiveDialogue, ACommitEndsThePauseAtOnce) {
  begin();
  turn_.probability = 0.0F;
  say("turn on the light and");
  until_phase(Phase::kPaused);
  silence(60);
  session_->commit();
  settle();
  EXPECT_EQ(client_.finals.size(), 1U);
}

TEST_F(LiveDialogue, NoiseWithoutWordsIsNoTurn) {
  begin();
  hear(SpokenCode::cough(600));
  until_phase(Phase::kListening);
  silence(2'000);
  EXPECT_EQ(client_.story({"heard", "start", "end", "error"}), "");
  EXPECT_TRUE(llm_.requests.empty());
  EXPECT_EQ(kept(), "");
}

TEST_F(LiveDialogue, WhoSpeaksForTenMinutesIsAnsweredInBetween) {
  begin();
  for (int minute = 0; minute < 10; ++minute) {
    for (std::size_t ms = 0; ms < 60'000; ms += 2 * (kWordMs + kGapMs))
      say("word and");
  }
  silence(3'000);
  until_phase(Phase::kListening);
  EXPECT_GE(client_.finals.size(), 2U) << client_.story({"state", "start", "end"});
  EXPECT_LE(client_.finals.size(), 10U);
  EXPECT_EQ(client_.starts, client_.ends);
}

TEST_F(LiveDialogue, AMinuteOfAudioAtOnceIsUnderstoodWhole) {
  begin();
  std::vector<float> minute(48'000, 0.0F);
  const auto add = [&minute](const std::vector<float>& more) { minute.insert(minute.end(), more.begin(), more.end()); };
  for (const char* word : {"what", "is", "the", "time?"}) {
    add(SpokenCode::word(word));
    add(std::vector<float>(kGapMs * 16, 0.0F));
  }
  add(std::vector<float>(8'000, 0.0F));
  session_->push_audio(minute);
  settle();
  until([this] { return client_.ends == 1; });
  EXPECT_EQ(client_.finals, (std::vector<std::string>{"what is the time?"}));
}

TEST_F(LiveDialogue, SamplesInAnyPortionsAreTheSame) {
  begin();
  std::vector<float> said;
  for (const char* word : {"turn", "on", "the", "light."}) {
    const auto sound = SpokenCode::word(word);
    said.insert(said.end(), sound.begin(), sound.end());
    said.insert(said.end(), kGapMs * 16, 0.0F);
  }
  std::size_t at = 0;
  for (std::size_t step = 1; at < said.size(); step = step * 7 % 2'003) {
    const std::size_t count = std::min(step, said.size() - at);
    session_->push_audio(std::span<const float>(said).subspan(at, count));
    at += count;
    pass(static_cast<Ms>(count / 16));
  }
  session_->push_audio({});
  until([this] { return client_.ends == 1; });
  EXPECT_EQ(client_.finals, (std::vector<std::string>{"turn on the light."}));
}

TEST_F(LiveDialogue, AMicrophoneThatGoesAwayEndsTheTurn) {
  begin();
  say("what is the time?");
  // Not one frame more: neither silence nor speech.
  pass(12'000);
  EXPECT_EQ(client_.finals, (std::vector<std::string>{"what is the time?"}));
  EXPECT_EQ(client_.count("end 1 completed"), 1U);
}

TEST_F(LiveDialogue, LateAudioOfAnOlderAnswerNeverComesOut) {
  begin();
  stt_.on_live = [this] {
    pool_.hang_next = 2;
    stt_.on_live = nullptr;
  };
  say("what is the time?");
  until_phase(Phase::kThinking);
  session_->say("Something else.");
  until_phase(Phase::kSpeaking);
  pool_.release();  // the old answer's engines go on in the middle of the new one
  until_phase(Phase::kListening);
  EXPECT_EQ(client_.story(),
            "heard 'what is the time?'; start 1; end 1 interrupted ''; start 2; end 2 completed 'It is "
            "noon. Time for lunch!'");
}

TEST_F(LiveDialogue, AnotherVoiceHoldsForTheNextAnswerAndNotForThisOne) {
  begin();
  llm_.answers.push_back({"One two three four five six seven eight nine ten eleven twelve."});
  say("what is the time?");
  until_phase(Phase::kPaused);
  LiveConfig config = session_->config();
  config.voice = tts_.voices()[1];
  session_->configure(config);
  until_phase(Phase::kListening);
  EXPECT_EQ(client_.rate_hz(), 22'050);
  ask("turn on the light.");
  until([this] { return client_.ends == 2; });
  EXPECT_EQ(client_.rate_hz(), 24'000);
}

TEST_F(LiveDialogue, TheUserStaysThroughAnyConfiguration) {
  begin();
  LiveConfig config = session_->config();
  config.user_id = "eve";
  session_->configure(config);
  EXPECT_EQ(session_->config().user_id, "ann");
}

TEST_F(LiveDialogue, TwoSessionsOfOneUserShareTheirConversation) {
  begin();
  ask("what is the time?");
  {
    CheckingOutput other;
    LiveConfig config;
    config.user_id = "ann";
    config.voice = tts_.voices()[0];
    const auto second = std::make_shared<LiveSession>(parts_, strand_, config, "live_2", &other);
    second->start();
    settle();
    second->say("And in Paris?");
    pass(5'000);
    EXPECT_EQ(other.count("end 1 completed"), 1U);
    second->shut_down();
    settle();
    EXPECT_TRUE(other.closed);
  }
  ask("turn on the light.");
  EXPECT_EQ(store_->recent("ann", 20)->size(), 6U);
  EXPECT_EQ(llm_.requests.back().messages.size(), 6U) << "the system prompt, four messages, and the question";
}

TEST_F(LiveDialogue, SilenceForLongMayBeAsked) {
  parts_.options.limits.idle_prompt_after = 5'000;
  begin();
  silence(10'000);
  EXPECT_EQ(client_.starts, 0) << "nothing has been said yet";
  ask("what is the time?");
  until([this] { return client_.count("aside") == 1; }, 8'000);
  until([this] { return client_.ends == 2; });
  EXPECT_TRUE(client_.seen("end 2 completed 'Are you still there?'")) << client_.story();
  EXPECT_EQ(kept(), "user:what is the time?|assistant:" + std::string(kAnswer)) << "not part of the conversation";
}

TEST_F(LiveDialogue, WhoSpeaksIntoAnAsideIsListenedTo) {
  parts_.options.limits.idle_prompt_after = 2'000;
  begin();
  ask("what is the time?");
  until([this] { return client_.count("aside") == 1 && client_.lines.back().starts_with("audio"); }, 8'000);
  ask("turn on the light.");
  until([this] { return client_.finals.size() == 2; });
  EXPECT_EQ(client_.count("end 2 interrupted"), 1U) << client_.story();
}

}  // namespace
}  // namespace morgan::dialogue::live
