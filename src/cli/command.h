// What every subcommand gets, and how a failure becomes an exit code. One file per subcommand; each adds
// itself to the CLI11 application and sets Context::action.
#pragma once

#include "app/app_config.h"
#include "base/result.h"
#include "base/stop.h"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <functional>
#include <string>

namespace morgan::cli {

/// Exit codes, as `morgan --help` lists them.
enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,
  kExitUsage = 2,
  kExitUnavailable = 3,  ///< a server, a model, the network or the disk
  kExitBadInput = 4,     ///< a file or a text that cannot be used
  kExitInterrupted = 130,
};

struct Context {
  std::filesystem::path config_file;
  std::string server;  ///< host of a running Morgan, or https://host; "" is this machine
  bool json = false;
  StopToken stop;               ///< fires on the first Ctrl-C
  std::function<int()> action;  ///< of the chosen subcommand

  /// Loads the configuration once. @error as load_config
  Result<app::AppConfig> config() const;
};

/// Prints "morgan: ..." (or a JSON object with --json) on standard error and gives the exit code.
int report(const Context& context, const Error& error);

void add_serve(CLI::App& root, Context& context);
void add_ask(CLI::App& root, Context& context);
void add_say(CLI::App& root, Context& context);
void add_transcribe(CLI::App& root, Context& context);
void add_chat(CLI::App& root, Context& context);
void add_mcp(CLI::App& root, Context& context);
void add_memory(CLI::App& root, Context& context);
void add_models(CLI::App& root, Context& context);
void add_tools(CLI::App& root, Context& context);
void add_config(CLI::App& root, Context& context);
void add_keys(CLI::App& root, Context& context);
void add_tls(CLI::App& root, Context& context);
void add_doctor(CLI::App& root, Context& context);
void add_health(CLI::App& root, Context& context);
void add_bench(CLI::App& root, Context& context);
/// Below `bench`.
void add_bench_voice(CLI::App& bench, Context& context);
void add_replay(CLI::App& root, Context& context);
void add_completion(CLI::App& root, Context& context);

}  // namespace morgan::cli
