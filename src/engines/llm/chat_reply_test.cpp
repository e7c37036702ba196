#include "engines/llm/chat_reply.h"

#include "base/json_util.h"

#include <gtest/gtest.h>

namespace morgan::engines {
namespace {

Json completion(const std::string& message) {
  return *parse_json(openai_completion(R"({"choices":[{"finish_reason":"stop","index":0,"message":)" + message +
                                       R"(}],"object":"chat.completion"})"));
}

TEST(OpenaiCompletion, HasTheFieldsThatSayNothing) {
  const Json choice = completion(R"({"role":"assistant","content":"Hello"})")["choices"][0];
  EXPECT_TRUE(choice.at("logprobs").is_null());
  EXPECT_TRUE(choice.at("message").at("refusal").is_null());
  EXPECT_EQ(choice["message"]["content"], "Hello");
  EXPECT_FALSE(choice["message"].contains("tool_calls"));
}

TEST(OpenaiCompletion, KeepsLogprobs) {
  const Json whole = *parse_json(openai_completion(
      R"({"choices":[{"index":0,"logprobs":{"content":[]},"message":{"role":"assistant","content":""}}]})"));
  EXPECT_EQ(whole["choices"][0]["logprobs"], (Json{{"content", Json::array()}}));
  EXPECT_EQ(whole["choices"][0]["message"]["content"], "");
}

TEST(OpenaiCompletion, CallsHaveIdsAndNoEmptyContent) {
  const std::string call = R"("tool_calls":[{"id":"x1","type":"function","function":{"name":"f","arguments":"{}"}}])";
  for (const std::string content : {R"("content":"",)", R"("content":null,)", ""}) {
    const Json message = completion(R"({"role":"assistant",)" + content + call + "}")["choices"][0]["message"];
    EXPECT_TRUE(message.at("content").is_null()) << content;
    EXPECT_EQ(message["tool_calls"][0]["id"], "call_x1");
  }
  const Json both = completion(R"({"role":"assistant","content":"Let me see.",)" + call + "}");
  EXPECT_EQ(both["choices"][0]["message"]["content"], "Let me see.");
}

TEST(OpenaiCompletion, PassesOnWhatItDoesNotUnderstand) {
  EXPECT_EQ(openai_completion("not json"), "not json");
  EXPECT_EQ(openai_completion("[]"), "[]");
  EXPECT_EQ(openai_completion(R"({"choices":[5]})"), R"({"choices":[5]})");
}

TEST(OpenaiEvents, TheFirstHasAnEmptyContent) {
  EXPECT_EQ(openai_events("data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\n"
                          "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"),
            "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
            "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n");
  EXPECT_EQ(openai_events("data: [DONE]\n\n"), "data: [DONE]\n\n");
}

TEST(OpenaiEvents, WhatTheModelWritesIsNoPartOfTheForm) {
  const std::string said =
      dump_json(Json{{"choices", {{{"delta", {{"content", R"(say "content":null and "tool_calls":)"}}}}}}});
  EXPECT_EQ(openai_events("data: " + said + "\n\n"), "data: " + said + "\n\n");
}

TEST(OpenaiEvents, ACallBeginsWithItsIdAndEmptyArguments) {
  const std::string events = openai_events(
      R"(data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"x1","type":"function",)"
      R"("function":{"name":"f"}}]}}]})"
      "\n\n"
      R"(data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}}]})"
      "\n\n");
  const std::size_t end = events.find("\n\n");
  const Json first = *parse_json(events.substr(6, end - 6));
  const Json second = *parse_json(events.substr(end + 8, events.size() - end - 10));
  const Json call = first["choices"][0]["delta"]["tool_calls"][0];
  EXPECT_EQ(call["id"], "call_x1");
  EXPECT_EQ(call["function"], (Json{{"name", "f"}, {"arguments", ""}}));
  const Json more = second["choices"][0]["delta"]["tool_calls"][0];
  EXPECT_FALSE(more.contains("id"));
  EXPECT_EQ(more["function"], (Json{{"arguments", "{"}}));
}

TEST(ClientCallId, BeginsAsOpenaisDo) {
  EXPECT_EQ(client_call_id("abc"), "call_abc");
  EXPECT_EQ(client_call_id("call_abc"), "call_abc");
  EXPECT_TRUE(client_call_id("").starts_with("call_"));
  EXPECT_GT(client_call_id("").size(), 10U);
}

}  // namespace
}  // namespace morgan::engines
