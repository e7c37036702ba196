#include "engines/llm/chat_checks.h"

#include "engines/llm/chat_body.h"

#include <gtest/gtest.h>

namespace morgan::engines {
namespace {

constexpr const char* kHello = R"("messages":[{"role":"user","content":"hi"}])";
constexpr const char* kTool = R"([{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}])";

/// The error of a body, or one that says that there is none.
Error refused(const std::string& body) {
  const auto result = client_chat_body(body, 4096);
  EXPECT_FALSE(result) << body;
  return result ? Error{ErrorCode::kInternal, "it was taken"} : result.error();
}

Json taken(const std::string& body) {
  const auto result = client_chat_body(body, 4096);
  EXPECT_TRUE(result) << (result ? "" : result.error().message);
  return result ? result->body : Json();
}

std::string with(const std::string& more) {
  return std::string("{") + kHello + "," + more + "}";
}

std::string part(const std::string& json, const std::string& role = "user") {
  return R"({"messages":[{"role":"system","content":"x"},{"role":")" + role +
         R"(","content":[{"type":"text","text":"Look:"},)" + json + "]}]}";
}

TEST(CheckChat, SaysWhichPartOfWhichMessageIsNotRead) {
  const Error image = refused(part(R"({"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}})"));
  EXPECT_EQ(image.param, "messages[1].content[1].type");
  EXPECT_NE(image.message.find("no eyes"), std::string::npos) << image.message;
  const Error audio = refused(part(R"({"type":"input_audio","input_audio":{"data":"AA","format":"wav"}})"));
  EXPECT_NE(audio.message.find("no ears"), std::string::npos) << audio.message;
  EXPECT_NE(refused(part(R"({"type":"file","file":{"file_id":"x"}})")).message.find("files"), std::string::npos);
  EXPECT_NE(refused(part(R"({"type":"smell"})")).message.find("'smell'"), std::string::npos);
  EXPECT_EQ(refused(part(R"({"type":7})")).param, "messages[1].content[1].type");
  EXPECT_EQ(refused(part(R"({"text":"a"})")).reason, "missing_required_parameter");
  EXPECT_EQ(refused(part(R"({"type":"text"})")).param, "messages[1].content[1].text");
  EXPECT_EQ(refused(part(R"({"type":"text","text":5})")).param, "messages[1].content[1].text");
  EXPECT_EQ(refused(part("5")).param, "messages[1].content[1]");
}

TEST(CheckChat, ReadsARefusalOfTheAssistantAsText) {
  const std::string declined = R"({"type":"refusal","refusal":"I would rather not."})";
  const Json body = taken(part(declined, "assistant"));
  EXPECT_EQ(body["messages"][1]["content"][1], (Json{{"type", "text"}, {"text", "I would rather not."}}));
  EXPECT_EQ(refused(part(declined)).param, "messages[1].content[1].type") << "users decline nothing";
  const Json beside = taken(R"({"messages":[{"role":"user","content":"Do it."},
    {"role":"assistant","content":null,"refusal":"No."}]})");
  EXPECT_EQ(beside["messages"][1]["content"], "No.");
}

TEST(CheckChat, NamesWhatIsNotServed) {
  EXPECT_EQ(refused(with(R"("stream_options":{"include_usage":true})")).param, "stream_options");
  EXPECT_TRUE(taken(with(R"("stream":true,"stream_options":{"include_usage":true})")).contains("stream_options"));
  EXPECT_EQ(refused(with(R"("modalities":["text","audio"])")).param, "modalities");
  EXPECT_EQ(refused(with(R"("modalities":"text")")).param, "modalities");
  EXPECT_FALSE(taken(with(R"("modalities":["text"])")).contains("modalities"));
  EXPECT_EQ(refused(with(R"("functions":[{"name":"f"}])")).param, "functions");
  EXPECT_EQ(refused(with(R"("function_call":"auto")")).param, "function_call");
  EXPECT_EQ(refused(with(R"("tool_choice":"required")")).param, "tool_choice");
  EXPECT_EQ(refused(with(R"("tool_choice":"required","tools":[])")).param, "tool_choice");
  EXPECT_EQ(taken(with(std::string(R"("tool_choice":"required","tools":)") + kTool))["tool_choice"], "required");
}

TEST(CheckChat, ASchemaIsAnObjectAndMustBeThere) {
  EXPECT_EQ(refused(with(R"("response_format":{"type":"json_schema"})")).param, "response_format.json_schema");
  EXPECT_EQ(refused(with(R"("response_format":{"type":"json_schema","json_schema":{"name":"a"}})")).param,
            "response_format.json_schema.schema");
  EXPECT_EQ(refused(with(R"("response_format":{"type":"json_schema","json_schema":{"name":"a","schema":"b"}})")).param,
            "response_format.json_schema.schema");
  taken(with(R"("response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object"}}})"));
}

TEST(CheckChat, AnAnswerOfAToolSaysToWhichCall) {
  const std::string start = R"({"messages":[{"role":"user","content":"hi"},{"role":"tool","content":"5")";
  const Error error = refused(start + "}]}");
  EXPECT_EQ(error.param, "messages[1].tool_call_id");
  EXPECT_EQ(error.reason, "missing_required_parameter");
  EXPECT_EQ(refused(start + R"(,"tool_call_id":""}]})").param, "messages[1].tool_call_id");
}

TEST(CheckChat, TheModelReadsIdsOfCallsAsItWroteThem) {
  const Json body = taken(R"({"messages":[{"role":"user","content":"hi"},
    {"role":"assistant","content":null,"tool_calls":[
      {"id":"call_abc","type":"function","function":{"name":"f","arguments":"{}"}}]},
    {"role":"tool","tool_call_id":"call_abc","content":"5"}]})");
  EXPECT_EQ(body["messages"][1]["tool_calls"][0]["id"], "abc");
  EXPECT_EQ(body["messages"][2]["tool_call_id"], "abc");
}

}  // namespace
}  // namespace morgan::engines
