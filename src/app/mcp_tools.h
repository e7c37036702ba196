// The tools of MCP servers in the registry: those of the server NAME are called NAME.TOOL. They come when the server is
// reached, stay while it is away, when calls fail at once, and change when it says so.
#pragma once

#include "mcp/server_link.h"
#include "services/service.h"
#include "tools/tool_registry.h"

#include <memory>
#include <vector>

namespace morgan::app {

class McpTools {
 public:
  /// Connects in the background. The registry outlives it; no tool of it may run when it goes.
  McpTools(const std::vector<mcp::ServerConfig>& servers, tools::ToolRegistry& registry);

  ~McpTools();

  /// "mcp NAME" for each server. Why one is away stands in the log: /health is for everybody. @thread any
  std::vector<services::HealthPart> health() const;

 private:
  std::vector<std::unique_ptr<mcp::ServerLink>> links_;
};

}  // namespace morgan::app
