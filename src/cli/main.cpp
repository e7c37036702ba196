// The program: global options, the subcommands, Ctrl-C.
#include "app/version.h"
#include "base/log.h"
#include "base/strings.h"
#include "cli/command.h"

#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

namespace {

/// GNU OpenMP's idle threads spin for many milliseconds by default, which starves the other engines of a two-core
/// machine: 10,000 spins are some 0.1 ms. And without the policy it hardly spins at all once there are more teams than
/// processors, which costs the language model a third of its speed. The library reads both before main, hence the
/// second start.
void restart_with_short_spins(char** argv) {
  if (std::getenv("GOMP_SPINCOUNT") != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  ::setenv("GOMP_SPINCOUNT", "10000", 1);
  ::setenv("OMP_WAIT_POLICY", "active", 1);
  ::execv("/proc/self/exe", argv);  // when it fails, Morgan works all the same, only slower
}

/// A malloc arena for each of some forty threads keeps what the largest request of each once took. And a model's run
/// takes and gives back tensors of megabytes: mapped anew for each operator, they cost a tenth of the run in page
/// faults.
void tune_malloc() {
  constexpr int kArenas = 2;
  constexpr int kLargestReused = 32 << 20;
  constexpr int kKept = 64 << 20;
  ::mallopt(M_ARENA_MAX, kArenas);
  ::mallopt(M_MMAP_THRESHOLD, kLargestReused);
  ::mallopt(M_TRIM_THRESHOLD, kKept);
}

morgan::StopSource& interrupt_source() {
  static morgan::StopSource source;
  return source;
}

std::vector<std::string> command_names(const CLI::App& root) {
  std::vector<std::string> names;
  for (const CLI::App* command : root.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

struct UnknownCommand {
  std::string word;
  std::vector<std::string> known;
};

/// The first word that stands where a command must, and is none: CLI11 would only say that one is required.
std::optional<UnknownCommand> unknown_command(const CLI::App& root, int argc, char** argv) {
  const CLI::App* at = &root;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--config" || word == "--server") ++i;  // with a value
    if (word.starts_with('-')) continue;
    const CLI::App* next = nullptr;
    for (const CLI::App* command : at->get_subcommands([](const CLI::App*) { return true; })) {
      if (command->get_name() == word) next = command;
    }
    if (next == nullptr) return UnknownCommand{word, command_names(*at)};
    if (next->get_require_subcommand_min() == 0) return std::nullopt;
    at = next;
  }
  return std::nullopt;
}

extern "C" void on_interrupt(int) {
  // The second Ctrl-C ends the process at once.
  std::signal(SIGINT, SIG_DFL);
  interrupt_source().request_stop(morgan::StopReason::kShutdown);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace morgan::cli;
  restart_with_short_spins(argv);
  tune_malloc();
  interrupt_source();  // made now, not inside the handler
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGPIPE, SIG_IGN);

  CLI::App root{"Morgan: a voice assistant that runs on your own machine"};
  root.name("morgan");
  root.set_version_flag(
      "--version", "morgan " + std::string(morgan::app::version()) + " (" + std::string(morgan::app::commit()) + ")");
  root.require_subcommand(1);
  root.fallthrough();
  root.footer(
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something is not there (server, model, network, disk),\n"
      "4 bad input, 130 interrupted. `morgan COMMAND --help` says more.");

  Context context;
  context.stop = interrupt_source().token();
  root.add_option("--config", context.config_file, "configuration file (default: $MORGAN_HOME/morgan.toml)")
      ->envname("MORGAN_CONFIG");
  root.add_option("--server", context.server, "a running Morgan: HOST, or https://HOST (default: this machine)")
      ->envname("MORGAN_SERVER");
  root.add_flag("--json", context.json, "machine-readable output");

  add_serve(root, context);
  add_ask(root, context);
  add_say(root, context);
  add_transcribe(root, context);
  add_chat(root, context);
  add_memory(root, context);
  add_mcp(root, context);
  add_models(root, context);
  add_tools(root, context);
  add_config(root, context);
  add_keys(root, context);
  add_tls(root, context);
  add_doctor(root, context);
  add_health(root, context);
  add_bench(root, context);
  add_replay(root, context);
  add_completion(root, context);

  if (const auto unknown = unknown_command(root, argc, argv)) {
    std::cerr << "morgan: there is no command '" << unknown->word << "'"
              << morgan::did_you_mean(unknown->word, unknown->known) << "; --help lists them\n";
    return kExitUsage;
  }
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = root.exit(error);
    return code == 0 ? kExitOk : kExitUsage;
  }
  if (!context.action) return kExitUsage;
  const auto config = context.config();
  if (config) {
    if (const auto level = morgan::log::set_level(config->log_level); !level) return report(context, level.error());
  }
  return context.action();
}
