// The Responses API without a model: what a request becomes, and in which order its events come.
#include "services/responses_output.h"
#include "services/responses_request.h"

#include "net/sse.h"

#include <gtest/gtest.h>

namespace morgan::services {
namespace {

ResponsesRequest read(const char* body) {
  auto request = read_responses_request(*parse_json(body), 4096);
  EXPECT_TRUE(request) << (request ? "" : request.error().message);
  return request ? *request : ResponsesRequest();
}

TEST(ResponsesRequest, CallsAndTheirOutputsAreOneChat) {
  const ResponsesRequest request = read(R"j({"instructions": "Be brief.", "input": [
      {"role": "user", "content": "Weather?"},
      {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "A moment."}]},
      {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
      {"type": "reasoning", "summary": []},
      {"type": "function_call", "call_id": "c2", "name": "clock", "arguments": "{}"},
      {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "snow"}]}]})j");
  const auto& messages = request.chat.messages;
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[0], (engines::ChatMessage{"system", "Be brief."}));
  EXPECT_EQ(messages[2].content, "A moment.");
  ASSERT_EQ(messages[2].tool_calls.size(), 2U);
  EXPECT_EQ(messages[2].tool_calls[1].name, "clock");
  EXPECT_EQ(messages[3], (engines::ChatMessage{"tool", "snow", {}, "c1"}));
}

TEST(ResponsesRequest, ToolsAndFormatsTakeTheChatsForm) {
  const ResponsesRequest request = read(R"j({"input": "Hi", "max_output_tokens": 100000, "tool_choice":
      {"type": "function", "name": "f"}, "tools": [{"type": "function", "name": "f"}],
      "text": {"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}}}})j");
  EXPECT_EQ(request.chat.max_tokens, 4096);
  EXPECT_EQ(request.chat.json_schema, R"({"type":"object"})");
  EXPECT_EQ(
      *parse_json(request.chat.tools),
      *parse_json(R"([{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}])"));
  EXPECT_EQ(*parse_json(request.chat.tool_choice), *parse_json(R"({"type":"function","function":{"name":"f"}})"));
  EXPECT_EQ(read(R"({"input": "Hi", "tool_choice": "none", "tools": [{"type": "function", "name": "f"}]})").chat.tools,
            "");
}

TEST(ResponsesOutput, AFailureEndsWhatIsOpen) {
  const ResponsesRequest request = read(R"({"input": "Hi"})");
  std::vector<std::string> kinds;
  std::string last;
  net::SseParser parser([&](std::string_view event, std::string_view data) {
    kinds.emplace_back(event);
    last = data;
  });
  ResponsesOutput output(request, "m", 1, [&](const std::string& event) {
    parser.push(event);
    return true;
  });
  output.begin();
  output.add_text("Half");
  output.fail({ErrorCode::kInternal, "it broke"});
  EXPECT_EQ(kinds, (std::vector<std::string>{"response.created", "response.in_progress", "response.output_item.added",
                                             "response.content_part.added", "response.output_text.delta",
                                             "response.output_text.done", "response.content_part.done",
                                             "response.output_item.done", "response.failed"}));
  const Json told = *parse_json(last);
  EXPECT_EQ(told["sequence_number"], 8);
  EXPECT_EQ(told["response"]["status"], "failed");
  EXPECT_EQ(told["response"]["output"][0]["status"], "incomplete");
  EXPECT_EQ(told["response"]["error"]["message"], "it broke");
}

TEST(ResponsesOutput, AClientThatHasGoneStopsIt) {
  const ResponsesRequest request = read(R"({"input": "Hi"})");
  ResponsesOutput output(request, "m", 1, [](const std::string&) { return false; });
  EXPECT_FALSE(output.begin());
  EXPECT_FALSE(output.add_text("Hi"));
}

}  // namespace
}  // namespace morgan::services
