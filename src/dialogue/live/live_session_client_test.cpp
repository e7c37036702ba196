// What a client that keeps the conversation itself may ask of a LiveSession.
#include "dialogue/live/live_test_world.h"

namespace morgan::dialogue::live {
namespace {

class LiveClient : public LiveScript {
 protected:
  LiveAsk ask(bool speak = true) {
    LiveAsk made;
    made.reply.speak = speak;
    made.voice = tts_.voices()[0];
    made.prompt = [this](const std::string& user_text) {
      prompts_.push_back(user_text);
      return std::vector<engines::ChatMessage>{{"user", "anything " + user_text}};
    };
    return made;
  }
  void until_ended(int ends) {
    until([this, ends] { return client_.ends >= ends && session_->phase() == Phase::kListening; });
  }

  std::vector<std::string> prompts_;
};

TEST_F(LiveClient, AnAnswerIsMadeWhenItIsAskedFor) {
  begin();
  EXPECT_TRUE(session_->respond(ask()));
  EXPECT_TRUE(session_->answering());
  EXPECT_FALSE(session_->respond(ask())) << "one at a time";
  until_ended(1);
  EXPECT_EQ(client_.story(), "start 1; end 1 completed 'It is noon. Time for lunch!'");
  EXPECT_FALSE(session_->answering());
  EXPECT_EQ(kept(), "assistant:It is noon. Time for lunch!");
  EXPECT_EQ(prompts_, std::vector<std::string>{""});
}

TEST_F(LiveClient, ATurnMayWaitForItsAnswer) {
  LiveConfig config;
  config.answer_turns = false;
  begin(config);
  say("what is the time?");
  until([this] { return !client_.finals.empty(); });
  silence(3'000);
  EXPECT_EQ(client_.story(), "heard 'what is the time?'");
  EXPECT_EQ(client_.spoken, client_.finals);
  EXPECT_TRUE(llm_.requests.empty()) << "nobody asked the model";
  EXPECT_TRUE(session_->respond(ask()));
  until_ended(1);
  EXPECT_EQ(kept(), "user:what is the time?|assistant:It is noon. Time for lunch!");
}

TEST_F(LiveClient, WhoSpeaksIsNotCutOffByWhatIsAskedForAndGetsOneAnswer) {
  for (const bool answer_turns : {true, false}) {
    LiveConfig config;
    config.answer_turns = answer_turns;
    begin(config);
    say("what is");
    EXPECT_TRUE(session_->respond(ask()));
    EXPECT_TRUE(session_->answering());
    EXPECT_EQ(client_.starts, 0);
    say("the time?");
    until_ended(1);
    silence(3'000);
    EXPECT_EQ(client_.story(), "heard 'what is the time?'; start 1; end 1 completed 'It is noon. Time for lunch!'");
    EXPECT_EQ(prompts_.back(), "what is the time?");
    session_->gone();
    settle();
    session_.reset();
    client_ = {};
    prompts_.clear();
  }
}

TEST_F(LiveClient, WhatIsAskedForComesThoughNothingWasSaid) {
  begin();
  say("what");
  EXPECT_TRUE(session_->respond(ask()));
  session_->forget_speech();
  until_ended(1);
  EXPECT_EQ(client_.story(), "start 1; end 1 completed 'It is noon. Time for lunch!'");
  EXPECT_TRUE(client_.spoken.empty());
  EXPECT_FALSE(client_.speaking);
}

TEST_F(LiveClient, CancelTakesBackWhatWasAskedFor) {
  begin();
  say("what is");
  EXPECT_TRUE(session_->respond(ask()));
  session_->cancel();
  EXPECT_FALSE(session_->answering());
  session_->forget_speech();
  silence(3'000);
  EXPECT_EQ(client_.starts, 0);
}

TEST_F(LiveClient, AnAnswerWaitsForWhatIsStillTranscribed) {
  begin();
  std::string heard;
  std::vector<float> sound;
  for (const char* word : {"turn", "on", "the", "light."}) {
    const auto samples = SpokenCode::word(word);
    sound.insert(sound.end(), samples.begin(), samples.end());
    sound.resize(sound.size() + 320);
  }
  session_->transcribe(sound, [&](Result<engines::Hypothesis> result) { heard = result ? result->text : "failed"; });
  EXPECT_TRUE(session_->respond(ask()));
  EXPECT_EQ(client_.starts, 1) << "it is announced at once";
  EXPECT_TRUE(prompts_.empty());
  until_ended(1);
  EXPECT_EQ(heard, "turn on the light.");
  EXPECT_EQ(prompts_.size(), 1U);
}

TEST_F(LiveClient, AnAnswerThatIsOnlyWrittenHasNoSound) {
  begin();
  EXPECT_TRUE(session_->respond(ask(false)));
  until_ended(1);
  EXPECT_EQ(client_.story({"start", "end", "audio"}), "start 1; end 1 completed 'It is noon. Time for lunch!'");
  EXPECT_EQ(client_.received, 0U);
  EXPECT_EQ(tts_.calls.load(), 0U);
}

TEST_F(LiveClient, WhatTheModelWantsCalledComesWithTheEnd) {
  llm_.answers = {{}};
  llm_.tool_calls = {{"call_1", "clock", "{}"}};
  LiveConfig config;
  config.reply.tools = R"([{"type":"function","function":{"name":"clock"}}])";
  begin(config);
  say("what is the time?");
  until_ended(1);
  EXPECT_EQ(client_.story(), "heard 'what is the time?'; start 1; end 1 completed ''");
  ASSERT_EQ(client_.summaries.size(), 1U);
  EXPECT_EQ(client_.summaries.front().tool_calls, llm_.tool_calls);
  EXPECT_EQ(llm_.requests.back().tools, config.reply.tools);
}

TEST_F(LiveClient, AnAnswerBesideTheConversationLeavesItAlone) {
  begin();
  std::string text;
  std::size_t samples = 0;
  bool done = false;
  ReplySink sink;
  sink.on_text = [&](const std::string& delta) { text += delta; };
  sink.on_audio = [&](std::vector<float> audio, const auto&) { samples += audio.size(); };
  sink.on_done = [&](const Result<ReplySummary>& outcome) { done = outcome.has_value(); };
  ASSERT_TRUE(session_->reply_beside(ask(), sink));
  settle();
  EXPECT_TRUE(done);
  EXPECT_EQ(text, "It is noon. Time for lunch!");
  EXPECT_GT(samples, 0U);
  EXPECT_EQ(client_.starts, 0);
  EXPECT_EQ(kept(), "");
}

TEST_F(LiveClient, ALongSilenceIsTold) {
  LiveConfig config;
  config.asides = false;
  config.idle_after = 5'000;
  begin(config);
  say("what is the time?");
  until_ended(1);
  silence(4'500);
  EXPECT_EQ(client_.idles, 0);
  silence(1'000);
  EXPECT_EQ(client_.idles, 1);
  EXPECT_EQ(client_.starts, 1);
}

TEST_F(LiveClient, SpeechIsToldBeforeTheEndOfWhatItInterrupts) {
  begin();
  llm_.pieces = {"One two three four five six seven eight nine ten eleven twelve."};
  EXPECT_TRUE(session_->respond(ask()));
  until_phase(Phase::kSpeaking);
  until_played(600);
  say("stop. turn on the light.");
  until([this] { return client_.ends > 0; });
  EXPECT_EQ(client_.spoken.size() + (client_.speaking ? 1U : 0U), 1U);
  until_ended(2);
  EXPECT_EQ(client_.spoken.size(), 1U);
}

}  // namespace
}  // namespace morgan::dialogue::live
