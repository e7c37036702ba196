// chat() and prefill(): what Morgan's own turns use.
#include "engines/llm/llm_test_model.h"

namespace morgan::engines {
namespace {

using testing_model::endless_request;
using testing_model::seconds_since;
using testing_model::shared;

using LlmChat = testing_model::Smollm;

ChatRequest question(const std::string& text) {
  ChatRequest request;
  request.messages = {{"user", text}};
  request.max_tokens = 24;
  request.temperature = 0;
  return request;
}

ChatReply answer(LlmEngine& engine, const ChatRequest& request) {
  auto reply = engine.chat(request, {}, StopToken());
  EXPECT_TRUE(reply) << (reply ? "" : reply.error().message);
  return reply ? *reply : ChatReply();
}

/// A chat that has begun to generate, and goes on until it is stopped.
class Generation {
 public:
  explicit Generation(LlmEngine& engine)
      : thread_([this, &engine] {
          const auto ended = engine.chat(
              endless_request(),
              [this](std::string_view) {
                begun_ = true;
                begun_.notify_all();
                return true;
              },
              source_.token());
          EXPECT_FALSE(ended);
          begun_ = true;
          begun_.notify_all();
        }) {
    begun_.wait(false);
  }

  void stop() {
    source_.request_stop(StopReason::kClientGone);
    if (thread_.joinable()) thread_.join();
  }
  ~Generation() { stop(); }

 private:
  StopSource source_;
  std::atomic<bool> begun_ = false;
  std::thread thread_;
};

TEST_F(LlmChat, AnswersInPiecesThatMakeUpTheText) {
  std::string pieces;
  int count = 0;
  auto reply = shared()->chat(
      question("What is 2+2?"),
      [&](std::string_view piece) {
        pieces += piece;
        ++count;
        return true;
      },
      StopToken());
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(pieces, reply->text);
  EXPECT_NE(reply->text.find("4"), std::string::npos) << reply->text;
  EXPECT_GT(count, 2);
  EXPECT_EQ(reply->finish_reason, "stop");
  EXPECT_GT(reply->usage.prompt_tokens, 5);
  EXPECT_GT(reply->usage.completion_tokens, 2);
}

TEST_F(LlmChat, StopsAtTheTokenLimit) {
  ChatRequest request = endless_request();
  request.max_tokens = 5;
  const ChatReply reply = answer(*shared(), request);
  EXPECT_EQ(reply.usage.completion_tokens, 5);
  EXPECT_EQ(reply.finish_reason, "length");
}

TEST_F(LlmChat, StopsBeforeAStopWord) {
  ChatRequest request = question("What is 2+2?");
  request.stop_words = {"math"};
  const ChatReply reply = answer(*shared(), request);
  EXPECT_EQ(reply.text.find("math"), std::string::npos) << reply.text;
  EXPECT_FALSE(reply.text.empty());
  EXPECT_EQ(reply.finish_reason, "stop");
}

TEST_F(LlmChat, RepeatsItselfForTheSameSeedOnly) {
  ChatRequest request = endless_request();
  request.max_tokens = 12;
  request.temperature = 1.0;
  const std::string first = answer(*shared(), request).text;
  EXPECT_EQ(answer(*shared(), request).text, first);
  request.seed = 2;
  EXPECT_NE(answer(*shared(), request).text, first);
}

TEST_F(LlmChat, ReusesASharedPrefix) {
  ChatRequest request = question("Name a colour.");
  request.messages.insert(
      request.messages.begin(),
      {"system", "You are a painter called Vermeer. You speak of light, of pigments and of Delft."});
  const ChatReply first = answer(*shared(), request);
  request.messages.push_back({"assistant", first.text});
  request.messages.push_back({"user", "And another one?"});
  const ChatReply second = answer(*shared(), request);
  EXPECT_GE(second.usage.cached_tokens, first.usage.prompt_tokens - 1);
  EXPECT_LT(second.usage.cached_tokens, second.usage.prompt_tokens);
}

TEST_F(LlmChat, StartsAtOnceAfterAPrefillAndKeepsOtherConversations) {
  const auto engine = testing_model::load(testing_model::options(2));
  ASSERT_NE(engine, nullptr);
  ChatRequest other = question("List three rivers of Africa and say where each of them ends.");
  const ChatReply before = answer(*engine, other);

  ChatRequest request = question("How deep is it?");
  request.messages.insert(
      request.messages.begin(),
      {"system", "The lake of Morgania is called Blue Eye. It is ninety metres deep and very cold."});
  auto prefilled = engine->prefill(request.messages, {});
  ASSERT_TRUE(prefilled) << prefilled.error().message;
  const ChatReply reply = answer(*engine, request);
  EXPECT_GT(reply.usage.cached_tokens, reply.usage.prompt_tokens / 2);

  const ChatReply again = answer(*engine, other);
  EXPECT_GE(again.usage.cached_tokens, before.usage.prompt_tokens - 1);
}

TEST_F(LlmChat, JoinsAPrefillThatStillRuns) {
  const auto engine = testing_model::load(testing_model::options(2, 0));
  ASSERT_NE(engine, nullptr);
  Generation busy(*engine);
  ChatRequest request = question("What is this about?");
  std::string text;
  for (int i = 0; i < 40; ++i)
    text += "Line " + std::to_string(i) + " of a text. ";
  request.messages.insert(request.messages.begin(), {"system", text});
  std::jthread prefill([&] {
    Result<void> result;
    do {
      result = engine->prefill(request.messages, {});
    } while (!result && result.error().code == ErrorCode::kOverloaded);
    EXPECT_TRUE(result);
  });
  // There is room for two requests, so this bad one is turned away once the prefill is inside.
  while (engine->chat_completions(R"({"messages":[{"role":"user"}]})", {}, StopToken()))
    std::this_thread::yield();
  busy.stop();
  // Without waiting it would compute the prompt again on the slot that has just become free.
  const ChatReply reply = answer(*engine, request);
  EXPECT_GT(reply.usage.prompt_tokens, 300);
  EXPECT_GT(reply.usage.cached_tokens, 300);
}

TEST_F(LlmChat, CancelledByTheReceiverFreesTheSlotAtOnce) {
  const auto engine = testing_model::load(testing_model::options(1));
  ASSERT_NE(engine, nullptr);
  int pieces = 0;
  auto cancelled = engine->chat(endless_request(), [&](std::string_view) { return ++pieces < 3; }, StopToken());
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(pieces, 3);
  // The only slot would be busy for a thousand tokens more if generation went on.
  const auto start = std::chrono::steady_clock::now();
  ChatRequest next = question("Hi");
  next.max_tokens = 2;
  answer(*engine, next);
  EXPECT_LT(seconds_since(start), 1.0);
}

TEST_F(LlmChat, StopTokenEndsGenerationFromAnotherThread) {
  const auto engine = testing_model::load(testing_model::options(1));
  ASSERT_NE(engine, nullptr);
  StopSource source;
  std::atomic<bool> generating = false;
  std::jthread stopper([&] {
    generating.wait(false);
    source.request_stop(StopReason::kBargeIn);
  });
  std::chrono::steady_clock::time_point began;
  auto stopped = engine->chat(
      endless_request(),
      [&](std::string_view) {
        if (!generating.exchange(true)) {
          began = std::chrono::steady_clock::now();
          generating.notify_all();
        }
        return true;
      },
      source.token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_LT(seconds_since(began), 0.5);
}

TEST_F(LlmChat, StopsARequestThatWaitsForASlot) {
  const auto engine = testing_model::load(testing_model::options(1));
  ASSERT_NE(engine, nullptr);
  const Generation busy(*engine);
  const StopSource deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(50));
  const auto start = std::chrono::steady_clock::now();
  auto waited = engine->chat(question("Hi"), {}, deadline.token());
  EXPECT_LT(seconds_since(start), 0.5);
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, ErrorCode::kDeadlineExceeded);
}

TEST_F(LlmChat, ServesSeveralChatsAtOnce) {
  const std::string expected = answer(*shared(), question("What is 2+2?")).text;
  std::atomic<int> good = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const auto reply = shared()->chat(question("What is 2+2?"), {}, StopToken());
      if (reply && reply->text.find("4") != std::string::npos) ++good;
    });
  }
  threads.clear();
  EXPECT_EQ(good, 4) << expected;
}

TEST_F(LlmChat, RefusesMoreThanSlotsAndQueueHold) {
  const auto engine = testing_model::load(testing_model::options(1, 1));
  ASSERT_NE(engine, nullptr);
  const Generation busy(*engine);
  // One of the two waits for the slot until the other one, turned away, stops it.
  StopSource source;
  std::atomic<int> overloaded = 0;
  std::atomic<int> waited = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      const auto reply = engine->chat(question("Hi"), {}, source.token());
      if (reply) return;
      if (reply.error().code == ErrorCode::kOverloaded) ++overloaded;
      if (reply.error().code == ErrorCode::kCancelled) ++waited;
      source.request_stop(StopReason::kClientGone);
    });
  }
  threads.clear();
  EXPECT_EQ(overloaded, 1);
  EXPECT_EQ(waited, 1);
}

TEST_F(LlmChat, RefusesUnknownModelsAndTooLongTexts) {
  ChatRequest request = question("Hi");
  request.model = "gpt-9";
  auto unknown = shared()->chat(request, {}, StopToken());
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(unknown.error().param, "model");

  request.model = "default";
  for (int i = 0; i < 2000; ++i)
    request.messages[0].content += " word";
  auto too_long = shared()->chat(request, {}, StopToken());
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(too_long.error().message.find("1024"), std::string::npos) << too_long.error().message;
}

}  // namespace
}  // namespace morgan::engines
