// morgan serve: the services, until Ctrl-C or SIGTERM.
#include "app/application.h"
#include "base/log.h"
#include "base/strings.h"
#include "cli/command.h"
#include "cli/terminal.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

namespace morgan::cli {

namespace {

struct ServeOptions {
  std::vector<std::string> services;
  bool insecure = false;
};

void print_welcome(const std::map<std::string, std::string>& addresses, double seconds) {
  std::cout << bold("Morgan is listening") << dim(fmt::format(" (ready in {:.1f} s)", seconds)) << "\n\n";
  static const std::map<std::string, std::string> kWhat{{"core", "conversations: talk to it here"},
                                                        {"llm", "language model and embeddings"},
                                                        {"tts", "text to speech"},
                                                        {"stt", "speech to text"},
                                                        {"vad", "voice activity and turn detection"},
                                                        {"wyoming", "Home Assistant"}};
  std::vector<std::string> names = app::kServiceNames;
  names.emplace_back("wyoming");
  for (const std::string& name : names) {
    const auto found = addresses.find(name);
    if (found != addresses.end())
      std::cout << fmt::format("  {:<7} {}   {}\n", name, found->second, dim(kWhat.at(name)));
  }
  const auto core = addresses.find("core");
  if (core != addresses.end()) {
    std::cout << "\n  Open " << bold(core->second) << " in a browser, or from another terminal:\n"
              << "    build/release/bin/morgan say \"Hello, I am Morgan\" -o hello.wav\n"
              << "    build/release/bin/morgan ask hello.wav -o answer.wav\n";
  }
  std::cout << "\n  Ctrl-C stops it.\n" << std::flush;
}

int serve(const Context& context, const ServeOptions& options) {
  // Blocked before any thread exists, so that only this thread takes them, with sigwait.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  std::set<std::string> services(options.services.begin(), options.services.end());
  if (services.empty() || services.contains("all")) services = {app::kServiceNames.begin(), app::kServiceNames.end()};
  Result<app::AppConfig> config = context.config();
  if (!config) return report(context, config.error());
  config->server.insecure = config->server.insecure || options.insecure;
  const auto begin = std::chrono::steady_clock::now();
  Result<std::unique_ptr<app::Application>> application = app::Application::start(*config, services);
  if (!application) return report(context, application.error());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (context.json) {
    std::cout << dump_json(
                     OrderedJson{{"ready", true}, {"seconds", seconds}, {"addresses", (*application)->addresses()}})
              << std::endl;
  } else {
    print_welcome((*application)->addresses(), seconds);
  }

  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP)
    (*application)->reload_certificate();
  log::info("app", "stopping", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
  // The second signal ends the process at once.
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  (*application)->stop();
  return kExitOk;
}

}  // namespace

void add_serve(CLI::App& root, Context& context) {
  const auto options = std::make_shared<ServeOptions>();
  CLI::App* command = root.add_subcommand("serve", "run the services (all, or those named)");
  std::vector<std::string> names = app::kServiceNames;
  names.emplace_back("all");
  command->add_option("services", options->services, "core, llm, tts, stt, vad or all")->check(CLI::IsMember(names));
  command->add_flag("--insecure", options->insecure, "whoever reaches a port may do everything, without a key");
  command->callback([&context, options] { context.action = [&context, options] { return serve(context, *options); }; });
}

}  // namespace morgan::cli
