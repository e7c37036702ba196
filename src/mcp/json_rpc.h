// JSON-RPC 2.0 as the Model Context Protocol has it: one message a text, no batches. Parses and prints, no I/O.
// Used by the server at /mcp and by the client of other servers.
#pragma once

#include "base/json_util.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace morgan::mcp {

// Codes of JSON-RPC, then those of MCP 2026-07-28.
inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kInternalError = -32603;
inline constexpr int kHeaderMismatch = -32020;
inline constexpr int kUnsupportedVersion = -32022;

struct RpcError {
  int code = kInternalError;
  std::string message;
  Json data = nullptr;  ///< null: none
};

struct RpcMessage {
  enum class Kind : std::uint8_t { kRequest, kNotification, kResponse };
  Kind kind = Kind::kNotification;
  Json id;                        ///< text or integer; null in a notification, and in an answer to what was no JSON
  std::string method;             ///< of a request or a notification
  Json params = Json::object();   ///< likewise; always an object
  Json result;                    ///< of a response
  std::optional<RpcError> error;  ///< of a response, instead of a result
};

/// @return an RpcError with kParseError for what is no JSON, kInvalidRequest for what is no message
std::variant<RpcMessage, RpcError> parse_message(std::string_view text);

OrderedJson request_message(long long id, std::string_view method, OrderedJson params);
OrderedJson notification_message(std::string_view method, OrderedJson params);
OrderedJson result_message(const Json& id, OrderedJson result);
OrderedJson error_message(const Json& id, const RpcError& error);

}  // namespace morgan::mcp
