// morgan tools: list, call, plan.
#include "base/json_util.h"
#include "cli/command.h"
#include "cli/morgan_client.h"
#include "cli/terminal.h"

#include <fmt/format.h>

#include <iostream>

namespace morgan::cli {

namespace {

struct ToolsOptions {
  std::string user;
  std::string name;
  std::string arguments = "{}";
  std::string text;
  bool yes = false;
};

/// @param wanted  whose tools, as the command line says it
Result<Json> ask(const Context& context, const std::string& wanted, net::Method method, const std::string& path,
                 Json body) {
  MORGAN_TRY(const std::unique_ptr<MorganClient> client, MorganClient::connect(context, {"core"}));
  MORGAN_TRY(const std::string user, client->named_user(wanted, context.stop));
  net::ClientRequest request;
  request.method = method;
  request.url = client->address("core") + path;
  if (body.is_null()) {
    request.url += "?user_id=" + net::url_encode(user);
  } else {
    body["user_id"] = user;
    request.headers.emplace("Content-Type", "application/json");
    request.body = dump_json(body);
  }
  MORGAN_TRY(const net::ClientResponse response, client->send(std::move(request), context.stop));
  if (context.json) std::cout << response.body << "\n";
  return parse_json_object(response.body);
}

Result<void> list_tools(const Context& context, const ToolsOptions& options) {
  MORGAN_TRY(const Json answer, ask(context, options.user, net::Method::kGet, "/api/tools", nullptr));
  if (context.json) return {};
  for (const Json& tool : answer.value("tools", Json::array())) {
    const bool asks = tool.value("permission", "") == "ask";
    std::cout << fmt::format("{} {}{}\n", bold(fmt::format("{:<20}", tool.value("name", ""))),
                             tool.value("description", ""), asks ? dim("  (asks first)") : "");
  }
  return {};
}

Result<void> call_tool(const Context& context, const ToolsOptions& options) {
  auto arguments = parse_json_object(options.arguments);
  if (!arguments) {
    return fail(ErrorCode::kInvalidArgument,
                "the arguments are no JSON object: " + arguments.error().message + R"(; write '{"place": "Tokyo"}')");
  }
  MORGAN_TRY(const Json answer,
             ask(context, options.user, net::Method::kPost, "/api/tools/" + net::url_encode(options.name),
                 Json{{"arguments", *arguments}, {"confirm", options.yes}}));
  if (context.json) return {};
  const std::string spoken = answer.value("spoken", "");
  std::cout << (spoken.empty() ? dump_json(answer.value("data", Json()), 2) : spoken) << "\n";
  return {};
}

Result<void> plan_tools(const Context& context, const ToolsOptions& options) {
  MORGAN_TRY(const Json answer,
             ask(context, options.user, net::Method::kPost, "/api/tools", Json{{"text", options.text}}));
  if (context.json) return {};
  const Json calls = answer.value("calls", Json::array());
  if (calls.empty()) std::cout << "no tool" << dim(" (decided by: " + answer.value("decided_by", "") + ")") << "\n";
  for (const Json& call : calls) {
    std::cout << fmt::format("{} {}{}\n", bold(call.value("tool", "")), dump_json(call.value("arguments", Json())),
                             dim(" (decided by: " + answer.value("decided_by", "") + ")"));
  }
  return {};
}

}  // namespace

void add_tools(CLI::App& root, Context& context) {
  CLI::App* tools = root.add_subcommand("tools", "what Morgan can do beside talking");
  tools->require_subcommand(1);
  const auto options = std::make_shared<ToolsOptions>();  // shared by the callbacks
  const auto add = [&](const char* name, const char* help, Result<void> (*run)(const Context&, const ToolsOptions&)) {
    CLI::App* command = tools->add_subcommand(name, help);
    command->add_option("-u,--user", options->user, "whose tools (default: cli, who is you in `morgan chat`)");
    command->callback([&context, options, run] {
      context.action = [&context, options, run] {
        const Result<void> done = run(context, *options);
        return done ? int{kExitOk} : report(context, done.error());
      };
    });
    return command;
  };
  add("list", "every tool, and whether it asks first", list_tools);
  CLI::App* call = add("call", "call one, and print what it says", call_tool);
  call->add_option("name", options->name, "its name")->required();
  call->add_option("arguments", options->arguments, "JSON object")->capture_default_str();
  call->add_flag("--yes", options->yes, "confirm a tool that acts on the world");
  CLI::App* plan = add("plan", "show what a request would call; nothing is called", plan_tools);
  plan->add_option("text", options->text, "what is said")->required();
}

}  // namespace morgan::cli
