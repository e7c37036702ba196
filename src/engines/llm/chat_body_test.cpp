#include "engines/llm/chat_body.h"

#include <gmock/gmock.h>

namespace morgan::engines {
namespace {

constexpr int kContext = 4096;

Json passed(const std::string& text) {
  const auto result = client_chat_body(text, kContext);
  EXPECT_TRUE(result) << (result ? "" : result.error().message);
  return result ? result->body : Json();
}

std::string refused_param(const std::string& text) {
  const auto result = client_chat_body(text, kContext);
  EXPECT_FALSE(result) << text;
  if (result) return "accepted";
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
  return result.error().param;
}

TEST(ClientChatBody, KeepsWhatClientsMaySetAndDropsTheRest) {
  const Json body = passed(R"({"model":"any","messages":[{"role":"user","content":"hi"}],"temperature":0.5,"top_p":null,
    "id_slot":1,"lora":[{"id":0,"scale":1}],"chat_parser":"x","n_probs":100000,"new_field_of_next_month":{"a":1}})");
  EXPECT_EQ(body.value("temperature", 0.0), 0.5);
  for (const char* name : {"id_slot", "lora", "chat_parser", "n_probs", "model", "top_p", "new_field_of_next_month"}) {
    EXPECT_FALSE(body.contains(name)) << name;
  }
  EXPECT_EQ(body["stream"], false);
}

TEST(ClientChatBody, BoundsCountsByTheContext) {
  const std::string start = R"({"messages":[{"role":"user","content":"hi"}],)";
  EXPECT_EQ(passed(start + R"("max_tokens":20})")["n_predict"], 20);
  EXPECT_EQ(passed(start + R"("max_completion_tokens":999999999})")["n_predict"], kContext);
  EXPECT_FALSE(passed(start + R"("max_tokens":-1})").contains("n_predict"));
  EXPECT_EQ(passed(start + R"("repeat_last_n":2000000000})")["repeat_last_n"], kContext);
}

TEST(ClientChatBody, NamesTheFieldThatIsWrong) {
  const std::string start = R"({"messages":[{"role":"user","content":"hi"}],)";
  EXPECT_EQ(refused_param("{}"), "messages");
  EXPECT_EQ(refused_param(R"({"messages":[]})"), "messages");
  EXPECT_EQ(refused_param(R"({"messages":["hi"]})"), "messages");
  EXPECT_EQ(refused_param(start + R"("max_tokens":0})"), "max_tokens");
  EXPECT_EQ(refused_param(start + R"("max_tokens":"5"})"), "max_tokens");
  EXPECT_EQ(refused_param(start + R"("stream":"yes"})"), "stream");
  EXPECT_EQ(refused_param(start + R"("stop":[1]})"), "stop");
  EXPECT_EQ(refused_param(start + R"("logprobs":true,"top_logprobs":21})"), "top_logprobs");
  EXPECT_EQ(refused_param(start + R"("tool_choice":{"type":"function","function":{"name":"f"}}})"), "tool_choice");
  EXPECT_EQ(refused_param("not json"), "");
}

TEST(ClientChatBody, DropsEmptyStopWords) {
  const std::string start = R"({"messages":[{"role":"user","content":"hi"}],)";
  EXPECT_FALSE(passed(start + R"("stop":""})").contains("stop"));
  EXPECT_EQ(passed(start + R"("stop":["","end"]})")["stop"], Json::array({"end"}));
  EXPECT_EQ(passed(start + R"("stop":"end"})")["stop"], Json::array({"end"}));
}

TEST(ClientChatBody, TurnsOneChosenFunctionIntoItsToolAlone) {
  const Json body = passed(R"({"messages":[{"role":"user","content":"hi"}],
    "tools":[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"b"}}],
    "tool_choice":{"type":"function","function":{"name":"b"}}})");
  ASSERT_EQ(body["tools"].size(), 1U);
  EXPECT_EQ(body["tools"][0]["function"]["name"], "b");
  EXPECT_EQ(body["tool_choice"], "required");
}

TEST(OwnChatBody, CarriesTheRequest) {
  ChatRequest request;
  request.messages = {{"system", "Be brief."}, {"user", "Hi \"there\""}};
  request.max_tokens = 7;
  request.temperature = 0;
  request.seed = 42;
  request.stop_words = {"END", ""};
  const auto body = own_chat_body(request);
  ASSERT_TRUE(body);
  EXPECT_EQ((*body)["messages"][1]["content"], "Hi \"there\"");
  EXPECT_EQ((*body)["n_predict"], 7);
  EXPECT_EQ((*body)["seed"], 42);
  EXPECT_EQ((*body)["stop"], Json::array({"END"}));
  EXPECT_EQ((*body)["stream_options"]["include_usage"], true);

  request.max_tokens = 0;
  EXPECT_FALSE(own_chat_body(request));
  request.max_tokens = 1;
  request.messages.clear();
  EXPECT_FALSE(own_chat_body(request));
}

TEST(ReadChatEvents, CollectsTextReasonAndUsageOfSeveralEvents) {
  ChatReply reply;
  const auto text = read_chat_events(
      "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\n"
      "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n"
      "data: {\"choices\":[{\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}\n\n"
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,"
      "\"prompt_tokens_details\":{\"cached_tokens\":4}}}\n\ndata: [DONE]\n\n",
      reply);
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, "Hello");
  EXPECT_EQ(reply.finish_reason, "stop");
  EXPECT_EQ(reply.usage.prompt_tokens, 9);
  EXPECT_EQ(reply.usage.completion_tokens, 2);
  EXPECT_EQ(reply.usage.cached_tokens, 4);
}

TEST(ReadChatEvents, RefusesWhatIsNoCompletion) {
  ChatReply reply;
  EXPECT_FALSE(read_chat_events("data: {\"error\":{}}\n\n", reply));
  EXPECT_FALSE(read_chat_events("data: {broken\n\n", reply));
}

TEST(OpenaiErrorBody, HasTheFourFields) {
  const auto body = parse_json_object(openai_error_body("no", "invalid_request_error", "stop", ""));
  ASSERT_TRUE(body);
  EXPECT_EQ((*body)["error"]["message"], "no");
  EXPECT_EQ((*body)["error"]["type"], "invalid_request_error");
  EXPECT_EQ((*body)["error"]["param"], "stop");
  EXPECT_TRUE((*body)["error"]["code"].is_null());
}

}  // namespace
}  // namespace morgan::engines
