#include "mcp/json_rpc.h"

#include <utility>

namespace morgan::mcp {

namespace {

constexpr int kLongestMethod = 256;

bool is_id(const Json& value) {
  return value.is_string() || value.is_number_integer();
}

RpcError invalid(std::string message) {
  return {kInvalidRequest, std::move(message)};
}

std::variant<RpcMessage, RpcError> read_response(Json& object) {
  RpcMessage message;
  message.kind = RpcMessage::Kind::kResponse;
  if (!object.contains("id")) return invalid("a response needs an 'id'");
  message.id = std::move(object["id"]);
  if (!is_id(message.id) && !message.id.is_null()) return invalid("an 'id' is a text or an integer");
  if (object.contains("result") == object.contains("error")) return invalid("a response has a result or an error");
  if (object.contains("result")) {
    message.result = std::move(object["result"]);
    return message;
  }
  const Json& error = object["error"];
  if (!error.is_object()) return invalid("an 'error' is an object");
  const auto code = json_integer(error, "code");
  const auto text = json_string(error, "message");
  if (!code || !*code || !text) return invalid("an 'error' has a code and a message");
  message.error = RpcError{static_cast<int>(**code), text->value_or(""), error.value("data", Json())};
  return message;
}

}  // namespace

std::variant<RpcMessage, RpcError> parse_message(std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed) return RpcError{kParseError, parsed.error().message};
  Json& object = *parsed;
  if (object.is_array()) return invalid("batches are not taken: send one message at a time");
  if (!object.is_object()) return invalid("a message is a JSON object");
  const auto version = json_string(object, "jsonrpc");
  if (!version || *version != "2.0") return invalid("a message has 'jsonrpc': '2.0'");
  if (!object.contains("method")) return read_response(object);
  const auto method = json_string(object, "method");
  if (!method || !*method || (*method)->empty() || (*method)->size() > kLongestMethod) {
    return invalid("a 'method' is a text of 1 to 256 bytes");
  }
  RpcMessage message;
  message.method = **method;
  // What says "id" wants an answer, also when it says it wrongly.
  if (object.contains("id")) {
    message.kind = RpcMessage::Kind::kRequest;
    message.id = std::move(object["id"]);
    if (!is_id(message.id)) return invalid("an 'id' is a text or an integer");
  }
  if (const auto params = object.find("params"); params != object.end() && !params->is_null()) {
    if (!params->is_object()) return RpcError{kInvalidParams, "'params' must be an object"};
    message.params = std::move(*params);
  }
  return message;
}

OrderedJson request_message(long long id, std::string_view method, OrderedJson params) {
  return OrderedJson{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}};
}

OrderedJson notification_message(std::string_view method, OrderedJson params) {
  OrderedJson message{{"jsonrpc", "2.0"}, {"method", method}};
  if (!params.empty()) message["params"] = std::move(params);
  return message;
}

OrderedJson result_message(const Json& id, OrderedJson result) {
  return OrderedJson{{"jsonrpc", "2.0"}, {"id", OrderedJson(id)}, {"result", std::move(result)}};
}

OrderedJson error_message(const Json& id, const RpcError& error) {
  OrderedJson inner{{"code", error.code}, {"message", error.message}};
  if (!error.data.is_null()) inner["data"] = OrderedJson(error.data);
  return OrderedJson{{"jsonrpc", "2.0"}, {"id", OrderedJson(id)}, {"error", std::move(inner)}};
}

}  // namespace morgan::mcp
