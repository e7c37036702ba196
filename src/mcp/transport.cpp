#include "mcp/transport.h"

#include "base/strings.h"

namespace morgan::mcp {

namespace {

/// Of what a server says of itself, bytes.
constexpr std::size_t kMostMessageText = 500;

}  // namespace

Error error_of(const RpcError& error, const std::string& server) {
  ErrorCode code = ErrorCode::kInternal;
  if (error.code == kMethodNotFound) code = ErrorCode::kNotFound;
  if (error.code == kInvalidParams || error.code == kInvalidRequest) code = ErrorCode::kInvalidArgument;
  std::string text = error.message;
  cut_utf8(text, kMostMessageText);
  return {code, "the MCP server '" + server + "' refused: " + text};
}

}  // namespace morgan::mcp
