// JSON, and the fields of a request wherever they stand: parse_json() keeps to its depth and what it gives is printed
// and read again the same; Fields gives values in the range asked for or an error that names the field; parse_message()
// tells requests from answers. The first byte chooses the way in.
#include "base/json_util.h"
#include "fuzz_target.h"
#include "mcp/json_rpc.h"
#include "services/fields.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <variant>

namespace morgan::fuzz {

namespace {

constexpr int kMostDepth = 64;

int depth_of(const Json& value) {
  int deepest = 0;
  if (value.is_structured()) {
    for (const Json& inner : value)
      deepest = std::max(deepest, depth_of(inner));
    ++deepest;
  }
  return deepest;
}

template <typename T>
bool answered(const Result<T>& result, std::string_view name) {
  if (result) return true;
  require(result.error().code == ErrorCode::kInvalidArgument && result.error().param == name,
          "an error that names the field");
  return false;
}

void read_fields(const services::Fields& fields) {
  for (const std::string_view name : {"text", "n", "flag", "list", "o", ""}) {
    if (const auto value = fields.number(name, {-10, 10}); answered(value, name) && *value) {
      require(std::abs(**value) <= 10, "a number in its range");
    }
    if (const auto value = fields.integer(name, {0, 1e15}); answered(value, name) && *value) {
      require(**value >= 0 && **value <= 1'000'000'000'000'000, "an integer in its range");
    }
    if (const auto value = fields.integer(name); answered(value, name) && *value) {
      require(fields.has(name), "a value of a field that is there");
    }
    if (const auto value = fields.object(name); answered(value, name) && *value) {
      require((*value)->is_object(), "an object");
    }
    answered(fields.text(name), name);
    answered(fields.boolean(name), name);
    answered(fields.words(name), name);
    if (const auto value = fields.required_text(name, 20); answered(value, name)) {
      require(!value->empty() && services::count_characters(*value) <= 20, "a text of its length");
    }
    if (const net::FormPart* part = fields.part(name)) require(part->name == name, "the part of that name");
  }
  const auto user = services::read_user_id(nullptr, fields);
  require(!user || (!user->empty() && user->find('/') == std::string::npos), "a user id without a slash");
}

void read_document(std::string_view text) {
  const auto value = parse_json(text);
  const auto message = mcp::parse_message(text);
  if (!value) {
    require(value.error().code == ErrorCode::kInvalidArgument, "a documented error");
    require(std::holds_alternative<mcp::RpcError>(message), "no message in what is no JSON");
    return;
  }
  require(depth_of(*value) <= kMostDepth, "the depth that is allowed");
  for (const int indent : {-1, 2}) {
    const auto again = parse_json(dump_json(*value, indent));
    require(again && *again == *value, "what is printed is read again the same");
  }
  if (const auto* rpc = std::get_if<mcp::RpcMessage>(&message)) {
    require(rpc->params.is_object(), "parameters that are an object");
    require(rpc->kind == mcp::RpcMessage::Kind::kResponse || !rpc->method.empty(), "a method");
    dump_json(rpc->error ? mcp::error_message(rpc->id, *rpc->error)
                         : mcp::result_message(rpc->id, OrderedJson::object()));
  } else {
    dump_json(mcp::error_message(nullptr, std::get<mcp::RpcError>(message)));
  }
}

void read(std::string_view bytes) {
  constexpr std::string_view kTypes[] = {"application/json", "multipart/form-data; boundary=b",
                                         "application/x-www-form-urlencoded", "text/plain; charset=utf-8", "audio/wav"};
  const unsigned char choice = take_byte(bytes);
  const std::size_t kind = choice % (std::size(kTypes) + 2);
  if (kind >= std::size(kTypes)) return read_document(bytes);
  net::Request request;
  request.method = net::Method::kPost;
  request.headers.emplace("Content-Type", kTypes[kind]);
  request.query = {{"n", "3"}, {"list", "a,b"}};
  request.body = bytes;
  const auto fields = choice >= 128 ? services::Fields::read_or_audio(request) : services::Fields::read(request);
  if (fields) return read_fields(*fields);
  require(fields.error().code == ErrorCode::kInvalidArgument, "a documented error");
}

std::vector<std::string> documents() {
  const std::string part = "\r\n--b\r\nContent-Disposition: form-data; name=";
  std::string deep = "\x05" + std::string(64, '[') + std::string(64, ']');
  return {
      std::string(1, '\0') +
          R"({"text": "h\u00e9 \ud83d\ude00", "n": -1.5e0, "flag": true, "list": ["a", "b"], "o": {"p": null}})",
      "\x01" + part + "text\r\n\r\nhello" + part + "list[]\r\n\r\na,b" + part + "o; filename=f\r\n\r\n{}\r\n--b--",
      "\x02text=a+b&n=12&flag=yes&list%5B%5D=x&o=%7B%22a%22%3A1%7D",
      "\x03[1, 2, 1e308, -0.0, 18446744073709551615, 9007199254740993, \"\"]",
      "\x84RIFF",
      deep,
      R"({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x", "arguments": {}}})",
      "\x06"
      R"({"jsonrpc": "2.0", "id": "a", "error": {"code": -32600, "message": "no", "data": [1]}})",
      "\x05"
      R"({"jsonrpc": "2.0", "id": 2, "result": {"tools": []}})",
  };
}

const Registered kRegistered({"json", read, documents});

}  // namespace

}  // namespace morgan::fuzz
