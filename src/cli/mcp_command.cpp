// morgan mcp: try the MCP servers of the configuration, without a running Morgan.
#include "base/strings.h"
#include "cli/command.h"
#include "mcp/server_link.h"

#include <fmt/format.h>

#include <iostream>

namespace morgan::cli {

namespace {

struct McpOptions {
  std::string server;
  std::string tool;
  std::string arguments = "{}";
};

/// A server with its tools, as soon as they are known.
struct Opened {
  explicit Opened(const mcp::ServerConfig& config)
      : link(config, [this](const std::vector<mcp::RemoteTool>& listed) {
          const std::scoped_lock lock(mutex);
          tools = listed;
        }) {}
  std::vector<mcp::RemoteTool> known() {
    const std::scoped_lock lock(mutex);
    return tools;
  }
  std::mutex mutex;  // guards tools
  std::vector<mcp::RemoteTool> tools;
  mcp::ServerLink link;  // last: its thread writes tools
};

/// Waits for the first try to connect. @error kUnavailable  it failed   @error kCancelled
Result<void> wait_for(const Opened& opened, const StopToken& stop) {
  constexpr std::chrono::milliseconds kLook{20};
  for (;;) {
    const mcp::LinkStatus status = opened.link.status();
    if (status.connected) return {};
    if (!status.trouble.empty()) return fail(ErrorCode::kUnavailable, opened.link.name() + ": " + status.trouble);
    if (stop.stop_requested()) return fail(stop.error());
    std::this_thread::sleep_for(kLook);
  }
}

Result<std::vector<mcp::ServerConfig>> configured(const Context& context, const std::string& name) {
  MORGAN_TRY(const app::AppConfig config, context.config());
  if (config.mcp_servers.empty()) {
    return fail(ErrorCode::kNotFound, "no MCP server is configured; write one as [mcp.servers.NAME] into morgan.toml");
  }
  if (name.empty()) return config.mcp_servers;
  std::vector<std::string> names;
  for (const mcp::ServerConfig& server : config.mcp_servers) {
    if (server.name == name) return std::vector{server};
    names.push_back(server.name);
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("there is no MCP server '{}'; configured: {}", name, join(names, ", ")));
}

OrderedJson tool_json(const std::string& server, const mcp::RemoteTool& tool) {
  return OrderedJson{{"server", server},
                     {"name", tool.name},
                     {"description", tool.description},
                     {"read_only", tool.read_only},
                     {"parameters", OrderedJson(tool.input_schema)}};
}

Result<void> list(const Context& context, const McpOptions& options) {
  MORGAN_TRY(const auto servers, configured(context, options.server));
  // All at once: each may have to be started first.
  std::vector<std::unique_ptr<Opened>> opened;
  for (const mcp::ServerConfig& server : servers)
    opened.push_back(std::make_unique<Opened>(server));
  std::optional<Error> failed;
  OrderedJson all = OrderedJson::array();
  for (const auto& each : opened) {
    if (auto connected = wait_for(*each, context.stop); !connected) {
      if (connected.error().code == ErrorCode::kCancelled) return connected;
      failed = connected.error();
      if (!context.json) std::cerr << "morgan: " << failed->message << "\n";
      continue;
    }
    for (const mcp::RemoteTool& tool : each->known()) {
      all.push_back(tool_json(each->link.name(), tool));
      if (!context.json) std::cout << fmt::format("{}.{}  {}\n", each->link.name(), tool.name, tool.description);
    }
  }
  if (context.json) std::cout << dump_json(all) << "\n";
  if (failed && opened.size() == 1) return fail(*failed);
  return {};
}

Result<void> call(const Context& context, const McpOptions& options) {
  MORGAN_TRY(const Json arguments, parse_json_object(options.arguments));
  MORGAN_TRY(const auto servers, configured(context, options.server));
  Opened opened(servers.front());
  MORGAN_CHECK_OK(wait_for(opened, context.stop));
  MORGAN_TRY(const mcp::RemoteResult result, opened.link.call(options.tool, arguments, context.stop));
  if (context.json) {
    std::cout << dump_json(OrderedJson{{"text", result.text},
                                       {"structured", OrderedJson(result.structured)},
                                       {"is_error", result.is_error}})
              << "\n";
  } else if (!result.is_error) {
    std::cout << result.text << "\n";
  }
  if (result.is_error) return fail(ErrorCode::kInvalidArgument, "the tool failed: " + result.text);
  return {};
}

using Action = Result<void> (*)(const Context&, const McpOptions&);

void run(CLI::App* command, Context& context, const std::shared_ptr<McpOptions>& options, Action action) {
  command->callback([&context, options, action] {
    context.action = [&context, options, action] {
      const Result<void> done = action(context, *options);
      return done ? static_cast<int>(kExitOk) : report(context, done.error());
    };
  });
}

}  // namespace

void add_mcp(CLI::App& root, Context& context) {
  CLI::App* mcp = root.add_subcommand("mcp", "the tools of the configured MCP servers: list, call");
  mcp->require_subcommand(1);
  const auto options = std::make_shared<McpOptions>();  // shared by the callbacks

  CLI::App* list_command = mcp->add_subcommand("list", "the tools of all servers, or of one");
  list_command->add_option("server", options->server, "as it is named in the configuration");
  run(list_command, context, options, list);

  CLI::App* call_command = mcp->add_subcommand("call", "call a tool");
  call_command->add_option("server", options->server, "as it is named in the configuration")->required();
  call_command->add_option("tool", options->tool, "its name on that server")->required();
  call_command->add_option("arguments", options->arguments, "a JSON object (default: none)");
  run(call_command, context, options, call);
}

}  // namespace morgan::cli
