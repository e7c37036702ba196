#include "mcp/json_rpc.h"

#include <gtest/gtest.h>

namespace morgan::mcp {

namespace {

RpcMessage good(std::string_view text) {
  auto parsed = parse_message(text);
  const RpcError* error = std::get_if<RpcError>(&parsed);
  EXPECT_EQ(error, nullptr) << text << ": " << (error != nullptr ? error->message : "");
  return error != nullptr ? RpcMessage{} : std::get<RpcMessage>(std::move(parsed));
}

int code_of(std::string_view text) {
  const auto parsed = parse_message(text);
  const RpcError* error = std::get_if<RpcError>(&parsed);
  return error != nullptr ? error->code : 0;
}

TEST(JsonRpc, KeepsTheTypeOfAnId) {
  EXPECT_EQ(good(R"({"jsonrpc":"2.0","id":"1","method":"ping"})").id, Json("1"));
  EXPECT_EQ(good(R"({"jsonrpc":"2.0","id":1,"method":"ping"})").id, Json(1));
  EXPECT_EQ(dump_json(result_message(Json("1"), OrderedJson::object())), R"({"jsonrpc":"2.0","id":"1","result":{}})");
}

TEST(JsonRpc, TellsRequestsNotificationsAndResponsesApart) {
  EXPECT_EQ(good(R"({"jsonrpc":"2.0","id":1,"method":"a"})").kind, RpcMessage::Kind::kRequest);
  EXPECT_EQ(good(R"({"jsonrpc":"2.0","method":"a"})").kind, RpcMessage::Kind::kNotification);
  EXPECT_EQ(good(R"({"jsonrpc":"2.0","id":1,"result":{}})").kind, RpcMessage::Kind::kResponse);
  const RpcMessage failed = good(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no","data":[1]}})");
  ASSERT_TRUE(failed.error);
  EXPECT_EQ(failed.error->code, kParseError);
  EXPECT_EQ(failed.error->data, Json::array({1}));
}

TEST(JsonRpc, TakesMissingParametersAsNone) {
  EXPECT_TRUE(good(R"({"jsonrpc":"2.0","id":1,"method":"a"})").params.is_object());
  EXPECT_TRUE(good(R"({"jsonrpc":"2.0","id":1,"method":"a","params":null})").params.empty());
}

TEST(JsonRpc, RefusesWhatIsNoJson) {
  for (const char* text : {"", "{", "\xff", R"({"a":1e999})"})
    EXPECT_EQ(code_of(text), kParseError) << text;
  EXPECT_EQ(code_of(std::string(200, '[') + std::string(200, ']')), kParseError);
}

TEST(JsonRpc, RefusesWhatIsNoMessage) {
  for (const char* text :
       {"1", "[]", R"([{"jsonrpc":"2.0","id":1,"method":"a"}])", R"({"id":1,"method":"a"})",
        R"({"jsonrpc":"1.0","id":1,"method":"a"})", R"({"jsonrpc":2.0,"id":1,"method":"a"})",
        R"({"jsonrpc":"2.0","id":null,"method":"a"})", R"({"jsonrpc":"2.0","id":1.5,"method":"a"})",
        R"({"jsonrpc":"2.0","id":[],"method":"a"})", R"({"jsonrpc":"2.0","id":1,"method":5})",
        R"({"jsonrpc":"2.0","id":1,"method":""})", R"({"jsonrpc":"2.0","id":1})", R"({"jsonrpc":"2.0"})",
        R"({"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}})",
        R"({"jsonrpc":"2.0","id":1,"error":"no"})", R"({"jsonrpc":"2.0","id":1,"error":{"message":"no"}})"})
    EXPECT_EQ(code_of(text), kInvalidRequest) << text;
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1,"method":"a","params":[1]})"), kInvalidParams);
}

}  // namespace

}  // namespace morgan::mcp
