// Loading, unloading and OpenAI's wire form.
#include "base/json_util.h"
#include "engines/llm/llm_test_model.h"

#include <fstream>

namespace morgan::engines {
namespace {

using testing_model::kContext;
using testing_model::kName;
using testing_model::seconds_since;
using testing_model::shared;

using LlamaCppLlm = testing_model::Smollm;

constexpr const char* kQuestion = R"("messages":[{"role":"user","content":"What is 2+2?"}],"temperature":0)";

WireReply call(const std::string& body, std::vector<std::string>* events = nullptr) {
  const auto collect = [events](std::string_view chunk) {
    if (events != nullptr) events->emplace_back(chunk);
    return true;
  };
  auto reply = shared()->chat_completions(body, collect, StopToken());
  EXPECT_TRUE(reply) << (reply ? "" : reply.error().message);
  return reply ? *reply : WireReply();
}

Json body_of(const WireReply& reply) {
  auto json = parse_json_object(reply.body);
  EXPECT_TRUE(json) << reply.body;
  return json ? *json : Json();
}

std::string with(const std::string& fields) {
  return std::string("{") + kQuestion + (fields.empty() ? "" : ",") + fields + "}";
}

TEST_F(LlamaCppLlm, AnswersInOneObject) {
  const WireReply reply = call(with(R"("max_tokens":16,"model":"whatever","unknown_field":[1])"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.content_type, "application/json");
  const Json json = body_of(reply);
  EXPECT_EQ(json["object"], "chat.completion");
  EXPECT_EQ(json["model"], kName);
  EXPECT_NE(json["choices"][0]["message"]["content"].get<std::string>().find("4"), std::string::npos);
  EXPECT_GT(json["usage"]["prompt_tokens"], 5);
}

TEST_F(LlamaCppLlm, StreamsWholeEventsThatEndWithDone) {
  std::vector<std::string> chunks;
  const WireReply reply =
      call(with(R"("max_tokens":16,"stream":true,"stream_options":{"include_usage":true})"), &chunks);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.content_type, "text/event-stream");
  EXPECT_TRUE(reply.body.empty());
  ASSERT_GT(chunks.size(), 3U);
  EXPECT_EQ(chunks.back(), "data: [DONE]\n\n");
  bool usage = false;
  for (const std::string& chunk : chunks) {
    EXPECT_TRUE(chunk.starts_with("data: ")) << chunk;
    EXPECT_TRUE(chunk.ends_with("\n\n")) << chunk;
    usage = usage || chunk.find("\"prompt_tokens\"") != std::string::npos;
  }
  EXPECT_TRUE(usage);
}

TEST_F(LlamaCppLlm, EndsAStreamThatItsReceiverLeaves) {
  auto left = shared()->chat_completions(with(R"("stream":true)"), [](std::string_view) { return false; }, StopToken());
  ASSERT_FALSE(left);
  EXPECT_EQ(left.error().code, ErrorCode::kCancelled);
}

TEST_F(LlamaCppLlm, ObeysAJsonSchema) {
  const WireReply reply = call(with(
      R"("max_tokens":60,"response_format":{"type":"json_schema","json_schema":{"name":"city","schema":{"type":"object",
      "properties":{"city":{"type":"string","maxLength":20},"big":{"type":"boolean"}},"required":["city","big"],"additionalProperties":false}}})"));
  ASSERT_EQ(reply.status, 200) << reply.body;
  const std::string content = body_of(reply)["choices"][0]["message"]["content"];
  const auto object = parse_json_object(content);
  ASSERT_TRUE(object) << content;
  EXPECT_TRUE((*object)["city"].is_string());
  EXPECT_TRUE((*object)["big"].is_boolean());
}

constexpr const char* kTools =
    R"("max_tokens":48,"tools":[{"type":"function","function":{"name":"look_up","description":"Looks up a city.",
    "parameters":{"type":"object","properties":{"city":{"type":"string","maxLength":20}},"required":["city"]}}}],
    "tool_choice":{"type":"function","function":{"name":"look_up"}})";

TEST_F(LlamaCppLlm, AcceptsToolsThatItsTemplateDoesNotKnow) {
  const WireReply reply = call(with(kTools));
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_TRUE(body_of(reply)["choices"][0].contains("message"));
}

TEST(LlamaCppLlmWithTools, CallsARequiredTool) {
  LlamaOptions options = testing_model::options(1);
  options.model = morgan_home() / "models/qwen2.5-coder-0.5b/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf";
  if (!std::filesystem::exists(options.model)) GTEST_SKIP() << "no model file " << options.model;
  const auto engine = testing_model::load(options);
  ASSERT_NE(engine, nullptr);
  const auto reply = engine->chat_completions(with(kTools), {}, StopToken());
  ASSERT_TRUE(reply) << reply.error().message;
  ASSERT_EQ(reply->status, 200) << reply->body;
  const Json message = body_of(*reply)["choices"][0]["message"];
  ASSERT_TRUE(message.contains("tool_calls")) << reply->body;
  EXPECT_EQ(message["tool_calls"][0]["function"]["name"], "look_up");
  const auto arguments = parse_json_object(message["tool_calls"][0]["function"]["arguments"].get<std::string>());
  ASSERT_TRUE(arguments) << reply->body;
  EXPECT_TRUE((*arguments)["city"].is_string());
}

TEST_F(LlamaCppLlm, AnswersSeveralChoicesAndLogprobs) {
  const Json json = body_of(call(with(R"("max_tokens":4,"n":2,"logprobs":true,"top_logprobs":2)")));
  ASSERT_EQ(json["choices"].size(), 2U);
  EXPECT_EQ(json["choices"][0]["logprobs"]["content"][0]["top_logprobs"].size(), 2U);
}

TEST_F(LlamaCppLlm, RefusesInOpenaisForm) {
  std::string long_text;
  for (int i = 0; i < 2000; ++i)
    long_text += " word";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"not json", ""},
      {"[]", ""},
      {"{}", "messages"},
      {R"({"messages":"hi"})", "messages"},
      {R"({"messages":[{"role":"user"}]})", ""},
      {R"({"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://localhost/x"}}]}]})",
       ""},
      {with(R"("n":9)"), ""},
      {with(R"("temperature":"hot")"), ""},
      {with(R"("response_format":{"type":"yaml"})"), ""},
      {with(R"("grammar":"root ::= ((")"), ""},
      {R"({"messages":[{"role":"user","content":")" + long_text + R"("}]})", "messages"},
      {R"({"n":2,"messages":[{"role":"user","content":")" + long_text + R"("}]})", "messages"}};
  for (const auto& [body, param] : cases) {
    const WireReply reply = call(body);
    EXPECT_EQ(reply.status, 400) << body.substr(0, 100) << " -> " << reply.body;
    const Json error = body_of(reply)["error"];
    EXPECT_FALSE(error["message"].get<std::string>().empty()) << body.substr(0, 100);
    EXPECT_EQ(error["type"], "invalid_request_error") << body.substr(0, 100);
    if (!param.empty()) {
      EXPECT_EQ(error["param"], param) << body.substr(0, 100);
    }
  }
  EXPECT_EQ(call(with(R"("max_tokens":2)")).status, 200);  // and still serves
}

TEST_F(LlamaCppLlm, DescribesItself) {
  EXPECT_EQ(shared()->model_name(), kName);
  EXPECT_EQ(shared()->context_tokens(), kContext);
  const EngineInfo info = shared()->info();
  EXPECT_EQ(info.role, "llm");
  EXPECT_EQ(info.backend, "llama.cpp");
  EXPECT_NE(info.detail.find("134 M"), std::string::npos) << info.detail;
}

TEST_F(LlamaCppLlm, RefusesATruncatedModel) {
  const auto copy = std::filesystem::path(testing::TempDir()) / "truncated_smollm.gguf";
  auto bytes = read_file(testing_model::path(), 1'000'000'000);
  ASSERT_TRUE(bytes);
  for (const std::size_t size : {bytes->size() - 4096, bytes->size() / 2, std::size_t{10'000}, std::size_t{0}}) {
    std::ofstream(copy, std::ios::binary | std::ios::trunc) << std::string_view(*bytes).substr(0, size);
    LlamaOptions options = testing_model::options(1);
    options.model = copy;
    auto result = load_llama(options);
    ASSERT_FALSE(result) << size;
    EXPECT_EQ(result.error().code, ErrorCode::kCorrupt) << size;
    EXPECT_NE(result.error().message.find(copy.string()), std::string::npos) << result.error().message;
  }
  std::filesystem::remove(copy);
}

TEST_F(LlamaCppLlm, SaysThatTheModelIsMissing) {
  LlamaOptions options = testing_model::options(1);
  options.model = std::filesystem::path(testing::TempDir()) / "no_such.gguf";
  auto result = load_llama(options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kNotFound);
}

TEST_F(LlamaCppLlm, UnloadsWithinASecondWhileItGenerates) {
  auto engine = testing_model::load(testing_model::options(1));
  ASSERT_NE(engine, nullptr);
  std::atomic<int> generating = 0;
  std::atomic<int> ended = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {  // one generates, two wait for the slot
    threads.emplace_back([&, running = engine.get()] {
      const auto reply = running->chat(
          testing_model::endless_request(),
          [&](std::string_view) {
            ++generating;
            generating.notify_all();
            return true;
          },
          StopToken());
      if (!reply && reply.error().code == ErrorCode::kUnavailable) ++ended;
    });
  }
  generating.wait(0);
  const auto start = std::chrono::steady_clock::now();
  engine.reset();
  EXPECT_LT(seconds_since(start), 1.0);
  threads.clear();
  EXPECT_EQ(ended, 3);
}

TEST_F(LlamaCppLlm, UnloadsWithinASecondWhileItReadsALongPrompt) {
  auto engine = testing_model::load(testing_model::options(1, 0));
  ASSERT_NE(engine, nullptr);
  std::string text;
  for (int i = 0; i < 900; ++i)
    text += " word";
  std::atomic<bool> unavailable = false;
  std::jthread prefill([&, running = engine.get()] {
    Result<void> result;
    do {
      result = running->prefill({{"user", text}}, {});
    } while (!result && result.error().code == ErrorCode::kOverloaded);
    unavailable = !result && result.error().code == ErrorCode::kUnavailable;
  });
  // There is room for one request, so this bad one is turned away once the prefill is inside.
  while (engine->chat_completions(R"({"messages":[{"role":"user"}]})", {}, StopToken()))
    std::this_thread::yield();
  const auto start = std::chrono::steady_clock::now();
  engine.reset();
  EXPECT_LT(seconds_since(start), 1.0);
  prefill.join();
  EXPECT_TRUE(unavailable);
}

}  // namespace
}  // namespace morgan::engines
