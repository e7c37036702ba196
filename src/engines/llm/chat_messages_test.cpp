#include "engines/llm/chat_messages.h"

#include <gtest/gtest.h>

namespace morgan::engines {
namespace {

TEST(ChatMessages, ACallAndItsAnswerAreWrittenAsOpenAiHasThem) {
  const std::vector<ChatMessage> messages{{"user", "Weather?"},
                                          {"assistant", "", {{"call_1", "weather", R"({"city":"Rome"})"}}},
                                          {"tool", "sunny", {}, "call_1"}};
  const Json written = messages_json(messages);
  EXPECT_EQ(written[0], (Json{{"role", "user"}, {"content", "Weather?"}}));
  const Json call = {
      {"id", "call_1"}, {"type", "function"}, {"function", {{"name", "weather"}, {"arguments", R"({"city":"Rome"})"}}}};
  EXPECT_EQ(written[1]["tool_calls"], Json::array({call}));
  EXPECT_EQ(written[2], (Json{{"role", "tool"}, {"content", "sunny"}, {"tool_call_id", "call_1"}}));
}

TEST(ChatMessages, PiecesOfCallsAreJoinedByTheirIndex) {
  std::vector<ToolCall> calls;
  const auto piece = [&calls](std::string_view text) { take_tool_calls(*parse_json(text), calls); };
  piece(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"one","arguments":""}}]})");
  piece(R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}}]})");
  piece(R"({"tool_calls":[{"index":1,"id":"b","function":{"name":"two","arguments":"{}"}}]})");
  piece(R"({"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]})");
  const std::vector<ToolCall> expected{{"a", "one", R"({"x":1})"}, {"b", "two", "{}"}};
  EXPECT_EQ(calls, expected);
}

TEST(ChatMessages, WhatIsNoCallIsPassedOver) {
  std::vector<ToolCall> calls;
  for (const std::string_view text : {R"({"content":"hi"})", R"({"tool_calls":null})", R"({"tool_calls":[1]})",
                                      R"({"tool_calls":[{"index":100000,"id":"a"}]})", R"([])"})
    take_tool_calls(*parse_json(text), calls);
  EXPECT_TRUE(calls.empty());
}

TEST(ChatMessages, ToolsOfAnotherFormAreRefused) {
  ChatRequest request;
  Json body = Json::object();
  request.tools = "{}";
  EXPECT_EQ(add_tools(request, body).error().param, "tools");
  request.tools = "[]";
  EXPECT_TRUE(add_tools(request, body));
  EXPECT_FALSE(body.contains("tools"));
}

}  // namespace
}  // namespace morgan::engines
