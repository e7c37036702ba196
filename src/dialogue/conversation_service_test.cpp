// The store is the real one; the engines are small actors whose lines the test writes.
#include "dialogue/conversation_service.h"

#include "dialogue/scripted_engines.h"
#include "stores/sqlite/sqlite_conversation_store.h"
#include "stores/sqlite/sqlite_memory_store.h"
#include "test_support/temporary_folder.h"

#include <future>

namespace morgan::dialogue {
namespace {

namespace fs = std::filesystem;
using engines::Transcript;

class Conversation : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = stores::open_sqlite_store(folder_ / "morgan.db");
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(opened).value();
    options_.system_prompt = "Be brief.";
    service_ = std::make_unique<ConversationService>(options_, &stt_, &llm_, &tts_, store_.get(), &metrics_);
  }
  void TearDown() override {
    service_.reset();
    store_.reset();
  }

  Result<TurnResult> say(const std::string& text, const TurnObserver& observer = {}, const StopToken& stop = {}) {
    TurnRequest request;
    request.user_id = "ann";
    request.text = text;
    return service_->run(request, observer, stop);
  }
  Result<TurnResult> say_aloud(const std::string& text, const TurnObserver& observer = {}, const StopToken& stop = {}) {
    TurnRequest request;
    request.user_id = "ann";
    request.text = text;
    request.speak = true;
    return service_->run(request, observer, stop);
  }
  /// "user:hi|assistant:hello"
  std::string kept(const std::string& user = "ann") {
    std::string text;
    const auto messages = store_->recent(user, 100);
    EXPECT_TRUE(messages);
    for (const auto& message : *messages) {
      text += (text.empty() ? "" : "|") + message.role + ":" + message.content;
    }
    return text;
  }
  bool counted(const std::string& outcome) {
    return metrics_.scrape().find("morgan_turns_total{outcome=\"" + outcome + "\"} 1") != std::string::npos;
  }

  test_support::TemporaryFolder folder_;
  Metrics metrics_;
  DialogueOptions options_;
  ScriptedStt stt_;
  ScriptedLlm llm_;
  ScriptedTts tts_;
  std::unique_ptr<stores::ConversationStore> store_;
  std::unique_ptr<ConversationService> service_;
};

TEST_F(Conversation, ATextTurnAnswersAndKeepsBoth) {
  std::string streamed;
  TurnObserver observer;
  observer.on_text = [&](std::string_view piece) {
    streamed += piece;
    return true;
  };
  const auto turn = say("Is it late?", observer);
  ASSERT_TRUE(turn) << turn.error().message;
  EXPECT_EQ(turn->answer, "It is noon. Time for lunch!");
  EXPECT_EQ(streamed, turn->answer);
  EXPECT_EQ(turn->model, "scripted");
  EXPECT_EQ(turn->usage.cached_tokens, 7);
  EXPECT_FALSE(turn->conversation_id.empty());
  EXPECT_TRUE(turn->audio.samples.empty());
  EXPECT_EQ(turn->timings.transcript_ms, -1);
  EXPECT_GE(turn->timings.first_token_ms, 0);
  EXPECT_GE(turn->timings.text_done_ms, turn->timings.first_token_ms);
  EXPECT_GE(turn->timings.total_ms, turn->timings.text_done_ms);
  EXPECT_EQ(kept(), "user:Is it late?|assistant:It is noon. Time for lunch!");
  EXPECT_TRUE(counted("answered"));
  EXPECT_NE(metrics_.scrape().find("morgan_turn_stage_seconds_count{stage=\"first_token\"} 1"), std::string::npos);
}

TEST_F(Conversation, SpeechIsTranscribedAnsweredAndSpoken) {
  TurnRequest request;
  request.user_id = "ann";
  request.speech = audio::PcmBuffer{std::vector<float>(16000), 16000};
  request.language = "en";
  request.speak = true;
  std::string order;
  std::mutex mutex;
  const auto note = [&](const char* what) {
    const std::lock_guard lock(mutex);
    if (order.find(what) == std::string::npos) order += what;
    return true;
  };
  TurnObserver observer;
  observer.on_transcript = [&](const Transcript&) { note("transcript "); };
  observer.on_text = [&](std::string_view) { return note("text "); };
  std::string heard;
  observer.on_audio = [&](std::span<const float> samples, int rate_hz) {
    EXPECT_EQ(rate_hz, 22050);
    heard += letters(samples);
    return note("audio ");
  };
  const auto turn = service_->run(request, observer, {});
  ASSERT_TRUE(turn) << turn.error().message;
  EXPECT_EQ(turn->transcript->text, "What is the time?");
  EXPECT_EQ(stt_.asked_language, "en");
  EXPECT_EQ(order, "transcript text audio ");
  EXPECT_EQ(turn->voice, "joe");
  EXPECT_EQ(turn->audio.rate_hz, 22050);
  EXPECT_EQ(letters(turn->audio.samples), heard);
  EXPECT_FALSE(turn->audio_error);
  std::string spoken;
  for (const auto& piece : tts_.pieces)
    spoken += (spoken.empty() ? "" : " ") + piece;
  EXPECT_EQ(spoken, "It is noon. Time for lunch!");
  EXPECT_GE(turn->timings.transcript_ms, 0);
  EXPECT_GE(turn->timings.first_audio_ms, turn->timings.first_token_ms);
  EXPECT_EQ(kept(), "user:What is the time?|assistant:It is noon. Time for lunch!");
}

TEST_F(Conversation, SpeakingBeginsWhileTheModelStillWrites) {
  std::promise<void> first_audio;
  auto began = first_audio.get_future().share();
  TurnObserver observer;
  observer.on_audio = [&, told = false](std::span<const float>, int) mutable {
    if (!std::exchange(told, true)) first_audio.set_value();
    return true;
  };
  // The model's last piece waits for the first sound: a service that speaks only at the end hangs here.
  bool heard_before_the_end = false;
  observer.on_text = [&](std::string_view piece) {
    if (piece == "lunch!") heard_before_the_end = began.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
    return true;
  };
  const auto turn = say_aloud("Is it late?", observer);
  ASSERT_TRUE(turn) << turn.error().message;
  EXPECT_TRUE(heard_before_the_end);
}

TEST_F(Conversation, TheQuestionIsStoredBeforeTheModelStarts) {
  std::string at_start;
  llm_.before = [&] { at_start = kept(); };
  ASSERT_TRUE(say("hello"));
  EXPECT_EQ(at_start, "user:hello");
}

TEST_F(Conversation, SilenceIsHeardAsNothingAndLeavesNoTrace) {
  stt_.heard = "";
  TurnRequest request;
  request.speech = audio::PcmBuffer{std::vector<float>(16000), 16000};
  const auto turn = service_->run(request, {}, {});
  ASSERT_TRUE(turn);
  EXPECT_TRUE(turn->heard_nothing);
  EXPECT_EQ(turn->answer, "");
  EXPECT_TRUE(llm_.requests.empty());
  EXPECT_EQ(kept("default"), "");
  EXPECT_TRUE(counted("heard_nothing"));
}

TEST_F(Conversation, AnEmptyAnswerIsAnError) {
  llm_.pieces = {" ", "\n"};
  const auto turn = say("hello");
  ASSERT_FALSE(turn);
  EXPECT_EQ(turn.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(turn.error().message.find("empty answer"), std::string::npos);
  EXPECT_EQ(kept(), "user:hello");
  EXPECT_TRUE(counted("unavailable"));
}

TEST_F(Conversation, AModelThatDoesNotStreamIsHeardToo) {
  llm_.streams = false;
  const auto turn = say_aloud("hello");
  ASSERT_TRUE(turn);
  EXPECT_EQ(turn->answer, "It is noon. Time for lunch!");
  EXPECT_FALSE(turn->audio.samples.empty());
}

TEST_F(Conversation, HistoryIsInThePromptAndPerUser) {
  ASSERT_TRUE(say("one"));
  TurnRequest other;
  other.user_id = "bob";
  other.text = "two";
  ASSERT_TRUE(service_->run(other, {}, {}));
  ASSERT_TRUE(say("three"));
  EXPECT_EQ(llm_.requests[1].messages.size(), 2U);
  const auto& last = llm_.requests[2].messages;
  ASSERT_EQ(last.size(), 4U);
  EXPECT_EQ(last[0].content, "Be brief.");
  EXPECT_EQ(last[1].content, "one");
  EXPECT_EQ(last[2].content, "It is noon. Time for lunch!");
  EXPECT_EQ(last[3].content, "three");
}

TEST_F(Conversation, AHistoryThatTheModelRefusesIsLeftOut) {
  ASSERT_TRUE(say("one"));
  llm_.refuse_history = true;
  const auto turn = say("two");
  ASSERT_TRUE(turn) << turn.error().message;
  EXPECT_EQ(llm_.requests.back().messages.size(), 2U);
  EXPECT_EQ(llm_.requests.back().messages.back().content, "two");
}

TEST_F(Conversation, AFailedVoiceLeavesTheText) {
  tts_.fail_at = 2;
  const auto turn = say_aloud("hello");
  ASSERT_TRUE(turn);
  EXPECT_EQ(turn->answer, "It is noon. Time for lunch!");
  ASSERT_TRUE(turn->audio_error);
  EXPECT_EQ(turn->audio_error->message, "the voice broke");
  EXPECT_EQ(tts_.pieces.size(), 2U);
  EXPECT_EQ(kept(), "user:hello|assistant:It is noon. Time for lunch!");
}

TEST_F(Conversation, AnUnknownVoiceLeavesTheText) {
  TurnRequest request;
  request.text = "hello";
  request.speak = true;
  request.voice = "darth";
  const auto turn = service_->run(request, {}, {});
  ASSERT_TRUE(turn);
  EXPECT_EQ(turn->audio_error->reason, "VOICE_NOT_FOUND");
  EXPECT_FALSE(turn->answer.empty());
  EXPECT_TRUE(tts_.pieces.empty());
}

TEST_F(Conversation, WithoutASynthesizerThereIsText) {
  ConversationService mute({}, nullptr, &llm_, nullptr, store_.get(), &metrics_);
  TurnRequest request;
  request.text = "hello";
  request.speak = true;
  const auto turn = mute.run(request, {}, {});
  ASSERT_TRUE(turn);
  EXPECT_EQ(turn->audio_error->code, ErrorCode::kUnavailable);
  request.speech = audio::PcmBuffer{std::vector<float>(16000), 16000};
  EXPECT_EQ(mute.run(request, {}, {}).error().code, ErrorCode::kUnavailable);
}

TEST_F(Conversation, WhatWasWrittenBeforeACancelIsKeptAsInterrupted) {
  StopSource stop;
  TurnObserver observer;
  observer.on_text = [&](std::string_view piece) {
    if (piece == "noon. ") stop.request_stop(StopReason::kClientGone);
    return true;
  };
  const auto turn = say_aloud("hello", observer, stop.token());
  ASSERT_FALSE(turn);
  EXPECT_EQ(turn.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(kept(), "user:hello|assistant:It is noon.");
  const auto messages = store_->recent("ann", 1);
  EXPECT_NE((*messages)[0].metadata.find("\"interrupted\":true"), std::string::npos);
  EXPECT_TRUE(counted("cancelled"));
}

TEST_F(Conversation, AnObserverThatRefusesTextCancels) {
  TurnObserver observer;
  observer.on_text = [](std::string_view) { return false; };
  const auto turn = say("hello", observer);
  ASSERT_FALSE(turn);
  EXPECT_EQ(turn.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(kept(), "user:hello|assistant:It is");
}

TEST_F(Conversation, AnObserverThatRefusesAudioCancels) {
  TurnObserver observer;
  observer.on_audio = [](std::span<const float>, int) { return false; };
  const auto turn = say_aloud("hello", observer);
  ASSERT_FALSE(turn);
  EXPECT_EQ(turn.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(kept().substr(0, 22), "user:hello|assistant:I");
}

TEST_F(Conversation, ADeadlineDuringTheSpeakingEndsTheTurnButKeepsTheAnswer) {
  StopSource stop;
  tts_.before = [&] { stop.request_stop(StopReason::kDeadline); };
  llm_.pieces = {"It is noon."};
  const auto turn = say_aloud("hello", {}, stop.token());
  ASSERT_FALSE(turn);
  EXPECT_EQ(turn.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(kept(), "user:hello|assistant:It is noon.");
}

TEST_F(Conversation, AModelThatBreaksMidwayKeepsWhatItSaid) {
  llm_.error_at_end = Error{ErrorCode::kUnavailable, "upstream cut off"};
  const auto turn = say("hello");
  ASSERT_FALSE(turn);
  EXPECT_EQ(turn.error().message, "upstream cut off");
  EXPECT_EQ(kept(), "user:hello|assistant:It is noon. Time for lunch!");
}

TEST_F(Conversation, BadRequestsAreRefusedAndStoreNothing) {
  EXPECT_EQ(say("  \n").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(say("\xff\xfe").error().param, "text");
  TurnRequest request;
  request.text = "hello";
  for (const std::string& user : {std::string(), std::string(300, 'u'), std::string("\xc3\x28")}) {
    request.user_id = user;
    EXPECT_EQ(service_->run(request, {}, {}).error().param, "user_id");
  }
  EXPECT_TRUE(store_->list(10, 0)->empty());
}

TEST_F(Conversation, ParallelTurnsOfOneUserDoNotMix) {
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      if (!say("question " + std::to_string(i))) ++failures;
    });
  }
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(failures, 0);
  const auto messages = store_->recent("ann", 100);
  ASSERT_EQ(messages->size(), 12U);
  for (std::size_t i = 0; i < messages->size(); ++i) {
    EXPECT_EQ((*messages)[i].role, i % 2 == 0 ? "user" : "assistant");
  }
}

TEST_F(Conversation, WarmUpPrefillsTheSystemPrompt) {
  ASSERT_TRUE(service_->warm_up());
  ASSERT_EQ(llm_.prefilled.size(), 1U);
  EXPECT_EQ(llm_.prefilled[0].role, "system");
  EXPECT_EQ(llm_.prefilled[0].content, "Be brief.");
}

class ConversationWithMemories : public Conversation {
 protected:
  void SetUp() override {
    Conversation::SetUp();
    auto opened = stores::open_sqlite_memory_store(folder_ / "morgan.db");
    ASSERT_TRUE(opened) << opened.error().message;
    memory_store_ = std::move(*opened);
    memories_.emplace(*memory_store_, nullptr);
    service_ =
        std::make_unique<ConversationService>(options_, &stt_, &llm_, &tts_, store_.get(), &metrics_, &*memories_);
  }
  void TearDown() override {
    service_.reset();
    memory_store_.reset();
    Conversation::TearDown();
  }

  std::unique_ptr<stores::MemoryStore> memory_store_;
  std::optional<UserMemories> memories_;
};

TEST_F(ConversationWithMemories, ItIsToldSomethingWithoutTheModel) {
  const auto turn = say_aloud("Remember that my dog is called Rex.");
  ASSERT_TRUE(turn) << turn.error().message;
  EXPECT_EQ(turn->answer, "I will remember that your dog is called Rex.");
  EXPECT_EQ(letters(turn->audio.samples), "I will remember that your dog is called Rex.");
  EXPECT_TRUE(llm_.requests.empty());
  EXPECT_EQ(memory_store_->page("ann", 10, 0)->total, 1);
  EXPECT_EQ(kept(), "user:Remember that my dog is called Rex.|assistant:I will remember that your dog is called Rex.");
}

TEST_F(ConversationWithMemories, APromptBeginsWithTheWholeOneBefore) {
  ASSERT_TRUE(say("Remember that my dog is called Rex."));
  ASSERT_TRUE(say("What is my dog called?"));
  ASSERT_TRUE(say("Is it late?"));
  ASSERT_EQ(llm_.requests.size(), 2U);
  const auto& first = llm_.requests[0].messages;
  const auto& second = llm_.requests[1].messages;
  EXPECT_EQ(first.back().content, "What is my dog called?\n(What I told you before: My dog is called Rex.)");
  ASSERT_GT(second.size(), first.size());
  EXPECT_TRUE(std::equal(first.begin(), first.end(), second.begin()));
  EXPECT_EQ(second.back().content, "Is it late?");
}

}  // namespace
}  // namespace morgan::dialogue
