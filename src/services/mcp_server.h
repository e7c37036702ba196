// What Morgan answers as an MCP server, apart from how it travels: initialize, server/discover, ping, tools/list,
// tools/call. One for all clients of core; it keeps nothing of them.
#pragma once

#include "mcp/json_rpc.h"
#include "services/mcp_tools.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace morgan::services {

enum class McpEra : std::uint8_t {
  kSession,    ///< 2024-11-05 to 2025-11-25
  kStateless,  ///< 2026-07-28
};

/// @thread any, concurrently
class McpServer {
 public:
  using Answer = std::variant<OrderedJson, mcp::RpcError>;

  explicit McpServer(const McpParts& parts);

  /// The revision that a session will speak: the wanted one if it is known, else the newest.
  static std::string negotiate(const Json& initialize_params);
  OrderedJson initialize(std::string_view version) const;

  /// Every request but initialize. May block as long as a tool works.
  Answer answer(McpEra era, std::string_view method, const Json& params, McpCall call) const;

 private:
  OrderedJson server_info() const;
  OrderedJson discover() const;
  Answer list_tools(McpEra era, const Json& params) const;
  Answer call_tool(McpEra era, const Json& params, McpCall call) const;

  std::string version_;  // Morgan's
  std::vector<McpTool> tools_;
};

}  // namespace morgan::services
