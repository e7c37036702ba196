#include "app/mcp_tools.h"

#include "base/log.h"

#include <atomic>
#include <utility>

namespace morgan::app {

namespace {

/// A bit more than the link's own, which says why.
constexpr std::chrono::seconds kGrace{1};

/// As the registry wants names.
std::string plain_name(std::string name) {
  for (char& c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!plain) c = '_';
  }
  return name;
}

Result<tools::ToolResult> call(mcp::ServerLink& link, const std::string& tool, const Json& arguments,
                               const StopToken& stop) {
  MORGAN_TRY(mcp::RemoteResult result, link.call(tool, arguments, stop));
  if (result.is_error) return fail(ErrorCode::kUnavailable, "the tool failed: " + result.text);
  tools::ToolResult answer;
  answer.data = result.structured.is_null() ? Json{{"text", std::move(result.text)}} : std::move(result.structured);
  return answer;
}

}  // namespace

McpTools::McpTools(const std::vector<mcp::ServerConfig>& servers, tools::ToolRegistry& registry) {
  for (const mcp::ServerConfig& server : servers) {
    // The tools need the link, which tells of them before it is made: they look here.
    const auto link = std::make_shared<std::atomic<mcp::ServerLink*>>(nullptr);
    auto on_tools = [&registry, name = server.name, timeout = server.timeout + kGrace,
                     link](const std::vector<mcp::RemoteTool>& listed) {
      std::vector<tools::Tool> all;
      for (const mcp::RemoteTool& remote : listed) {
        tools::Tool tool;
        tool.name = plain_name(remote.name);
        tool.description = remote.description.empty() ? remote.name : remote.description;
        tool.parameters = remote.input_schema;
        // What a server says of itself decides only whether is asked, and rules go before it.
        tool.effect = remote.read_only ? tools::Effect::kReads : tools::Effect::kActs;
        tool.timeout = timeout;
        tool.call = [link, remote_name = remote.name](const Json& arguments,
                                                      const tools::ToolContext& context) -> Result<tools::ToolResult> {
          mcp::ServerLink* const used = link->load();
          if (used == nullptr) return fail(ErrorCode::kUnavailable, "the MCP server is not connected yet");
          return call(*used, remote_name, arguments, context.stop);
        };
        all.push_back(std::move(tool));
      }
      for (const std::string& why : registry.replace(name, std::move(all)))
        log::warn("mcp", "a tool was left out", {{"server", name}, {"why", why}});
    };
    links_.push_back(std::make_unique<mcp::ServerLink>(server, std::move(on_tools)));
    link->store(links_.back().get());
  }
}

McpTools::~McpTools() {
  for (const auto& link : links_)
    link->begin_stop();  // all at once: each may take some seconds
}

std::vector<services::HealthPart> McpTools::health() const {
  std::vector<services::HealthPart> parts;
  for (const auto& link : links_) {
    const mcp::LinkStatus status = link->status();
    parts.push_back({"mcp " + link->name(),
                     status.connected ? services::HealthStatus::kHealthy : services::HealthStatus::kUnhealthy,
                     status.connected         ? ""
                     : status.trouble.empty() ? "connecting"
                                              : "away; the log says why",
                     false});
  }
  return parts;
}

}  // namespace morgan::app
