#include "services/mcp_server.h"

#include "base/log.h"
#include "base/strings.h"
#include "mcp/protocol.h"

#include <algorithm>
#include <utility>

namespace morgan::services {

namespace {

using mcp::RpcError;

constexpr std::string_view kInstructions =
    "Morgan is a voice assistant that runs on this machine. Use transcribe for recordings, speak to make speech, ask "
    "to talk to Morgan itself, remember and recall for lasting facts about a user.";
/// The tools are the same for everybody for as long as Morgan runs.
constexpr int kCacheMs = 60'000;

/// What the stateless revision wants in every result.
OrderedJson complete(OrderedJson result) {
  result["resultType"] = "complete";
  return result;
}

OrderedJson cacheable(OrderedJson result) {
  result["ttlMs"] = kCacheMs;
  result["cacheScope"] = "public";
  return complete(std::move(result));
}

/// What went wrong inside a tool is told to the model that called it, which may then do better.
OrderedJson failed_call(const Error& error) {
  return OrderedJson{{"content", OrderedJson::array({OrderedJson{{"type", "text"}, {"text", error.message}}})},
                     {"isError", true}};
}

}  // namespace

McpServer::McpServer(const McpParts& parts) : version_(parts.context->version), tools_(make_mcp_tools(parts)) {}

std::string McpServer::negotiate(const Json& initialize_params) {
  const auto wanted = json_string(initialize_params, "protocolVersion");
  if (wanted && *wanted && mcp::is_session_version(**wanted)) return **wanted;
  return std::string(mcp::kNewestSessionVersion);
}

OrderedJson McpServer::server_info() const {
  return OrderedJson{{"name", "morgan"}, {"title", "Morgan"}, {"version", version_}};
}

OrderedJson McpServer::initialize(std::string_view version) const {
  return OrderedJson{{"protocolVersion", version},
                     {"capabilities", {{"tools", {{"listChanged", false}}}}},
                     {"serverInfo", server_info()},
                     {"instructions", kInstructions}};
}

OrderedJson McpServer::discover() const {
  return cacheable(OrderedJson{{"supportedVersions", mcp::known_versions()},
                               {"capabilities", {{"tools", OrderedJson::object()}}},
                               {"instructions", kInstructions},
                               {"_meta", {{std::string(mcp::kMetaServerInfo), server_info()}}}});
}

McpServer::Answer McpServer::list_tools(McpEra era, const Json& params) const {
  if (params.contains("cursor") && !params["cursor"].is_null()) {
    return RpcError{mcp::kInvalidParams, "there is no such page: all tools are on the first"};
  }
  OrderedJson list = OrderedJson::array();
  for (const McpTool& tool : tools_)
    list.push_back(tool.description);
  OrderedJson result{{"tools", std::move(list)}};
  return era == McpEra::kStateless ? cacheable(std::move(result)) : std::move(result);
}

McpServer::Answer McpServer::call_tool(McpEra era, const Json& params, McpCall call) const {
  const auto name = json_string(params, "name");
  if (!name || !*name) return RpcError{mcp::kInvalidParams, "'name' must be the name of a tool"};
  const auto tool =
      std::find_if(tools_.begin(), tools_.end(), [&](const McpTool& each) { return each.name == **name; });
  if (tool == tools_.end()) {
    std::vector<std::string> names;
    for (const McpTool& each : tools_)
      names.push_back(each.name);
    return RpcError{mcp::kInvalidParams, "there is no tool of this name; tools: " + join(names, ", ")};
  }
  if (const auto given = params.find("arguments"); given != params.end() && !given->is_null()) {
    if (!given->is_object()) return RpcError{mcp::kInvalidParams, "'arguments' must be an object"};
    call.arguments = *given;
  }
  auto answer = tool->run(call);
  OrderedJson result;
  if (answer) {
    result = OrderedJson{{"content", std::move(answer->content)}, {"isError", false}};
    if (!answer->structured.is_null()) result["structuredContent"] = std::move(answer->structured);
  } else {
    const Error& error = answer.error();
    log::debug("mcp", "a tool failed", {{"tool", tool->name}, {"why", error.message}});
    result = failed_call(error);
  }
  return era == McpEra::kStateless ? complete(std::move(result)) : std::move(result);
}

McpServer::Answer McpServer::answer(McpEra era, std::string_view method, const Json& params, McpCall call) const {
  if (method == "tools/list") return list_tools(era, params);
  if (method == "tools/call") return call_tool(era, params, std::move(call));
  if (era == McpEra::kStateless && method == "server/discover") return discover();
  if (era == McpEra::kSession && method == "ping") return OrderedJson::object();
  std::string named(method);
  cut_utf8(named, 100);
  return RpcError{mcp::kMethodNotFound, "there is no method '" + named + "' here"};
}

}  // namespace morgan::services
