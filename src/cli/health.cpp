// morgan health: whether the services of this machine are ready, as an exit code. For containers and service managers,
// which want to know without having curl.
#include "cli/command.h"
#include "cli/morgan_client.h"

#include <fmt/format.h>

#include <iostream>

namespace morgan::cli {

namespace {

int health(const Context& context, std::vector<std::string> wanted) {
  const Result<app::AppConfig> config = context.config();
  if (!config) return report(context, config.error());
  const std::map<std::string, std::string> addresses = service_addresses(config->server, context.server);
  if (wanted.empty()) {
    for (const auto& [name, address] : addresses)
      wanted.push_back(name);
  }
  bool all = true;
  OrderedJson answers = OrderedJson::object();
  for (const std::string& name : wanted) {
    const bool ready = !trouble_at(addresses.at(name), config->client.ca_file);
    all = all && ready;
    answers[name] = ready;
    if (!context.json) std::cout << fmt::format("{:<8}{}\n", name, ready ? "ready" : "not ready");
  }
  if (context.json) std::cout << dump_json(answers) << "\n";
  return all ? kExitOk : kExitUnavailable;
}

}  // namespace

void add_health(CLI::App& root, Context& context) {
  CLI::App* command = root.add_subcommand("health", "whether the running services are ready (exit code 0 or 3)");
  auto services = std::make_shared<std::vector<std::string>>();  // owned by the option and the action
  command->add_option("services", *services, "core, llm, tts, stt, vad (all when absent)")
      ->check(CLI::IsMember({"core", "llm", "tts", "stt", "vad"}));
  command->callback(
      [&context, services] { context.action = [&context, services] { return health(context, *services); }; });
}

}  // namespace morgan::cli
