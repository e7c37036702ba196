// morgan doctor: what is there, what is missing, how to mend it.
#include "app/version.h"
#include "base/file.h"
#include "base/strings.h"
#include "base/subprocess.h"
#include "cli/command.h"
#include "cli/doctor/machine.h"
#include "cli/doctor/rules.h"
#include "cli/terminal.h"
#include "models/model_store.h"
#include "net/server.h"

#include <fmt/format.h>

#include <iostream>
#include <set>

namespace morgan::cli {

namespace {

constexpr std::uint64_t kDiskWanted = 2'000'000'000;

Finding check_disk(bool models_ready) {
  const std::uint64_t free = free_bytes(morgan_home());
  Finding finding{Verdict::kGood, "disk", human_bytes(free) + " free at " + morgan_home().string(), ""};
  if (!models_ready && free < kDiskWanted) {
    finding.verdict = Verdict::kBad;
    finding.cure = "the models need 2 GB while they are fetched; free some space or set MORGAN_HOME to another disk";
  }
  return finding;
}

Finding check_config(const Context& context) {
  const Result<app::LoadedConfig> loaded = app::load_config(context.config_file);
  if (!loaded)
    return {Verdict::kBad, "configuration", loaded.error().message,
            "mend the file; `morgan config init` writes one with every key"};
  return {Verdict::kGood, "configuration", loaded->file_exists ? loaded->file.string() : "defaults (no file)", ""};
}

app::AppConfig configured_or_default(const Context& context) {
  auto config = context.config();
  return config ? std::move(config).value() : app::AppConfig();
}

/// The catalogue's models that this configuration loads.
std::set<std::string> wanted_models(const app::AppConfig& config) {
  std::set<std::string> wanted{"silero-vad", "smart-turn"};
  if (config.stt.backend == "whisper") wanted.insert(config.stt.model);
  if (config.llm.backend == "llama") wanted.insert(config.llm.model);
  if (config.embed.backend == "llama") wanted.insert(config.embed.model);
  if (config.tts.backend == "local" && config.tts.piper) wanted.insert("piper-joe");
  if (config.tts.backend == "local" && config.tts.kokoro) wanted.insert("kokoro");
  return wanted;
}

std::vector<Finding> check_models(const Context& context, bool& ready) {
  const auto catalog = models::Catalog::with_user_file(morgan_home() / "catalog.toml");
  if (!catalog) return {{Verdict::kBad, "catalogue", catalog.error().message, "mend or remove the file"}};
  const models::ModelStore store(morgan_home(), *catalog);
  const std::set<std::string> wanted = wanted_models(configured_or_default(context));
  std::vector<Finding> findings;
  ready = true;
  for (const models::CatalogModel& model : store.catalog().models()) {
    if (!wanted.contains(model.id)) continue;
    const models::ModelState state = store.state(model);
    if (state == models::ModelState::kReady) {
      findings.push_back({Verdict::kGood, "model " + model.id, human_bytes(model.size()), ""});
    } else {
      ready = false;
      findings.push_back({Verdict::kBad, "model " + model.id,
                          state == models::ModelState::kMissing ? "not here" : "incomplete",
                          "run: morgan models pull " + model.id});
    }
  }
  return findings;
}

std::vector<Finding> check_ports(const Context& context) {
  const Result<app::AppConfig> config = context.config();
  if (!config) return {};
  std::vector<Finding> findings;
  const app::ServerConfig& server = config->server;
  std::vector<std::uint16_t> ports{server.core_port, server.llm_port, server.tts_port, server.stt_port,
                                   server.vad_port};
  if (config->wyoming.enabled) ports.push_back(config->wyoming.port);
  for (const std::uint16_t port : ports) {
    net::ServerOptions options;
    options.host = server.host;
    options.port = port;
    const auto probe = net::Server::listen(options, net::Router());
    if (probe) {
      findings.push_back({Verdict::kGood, fmt::format("port {}", port), "free", ""});
    } else {
      findings.push_back(
          {Verdict::kWarning, fmt::format("port {}", port), "in use (by Morgan, if it runs)",
           "if Morgan does not run: `ss -ltnp` shows who holds it; server.*_port or wyoming.port chooses another"});
    }
  }
  return findings;
}

std::vector<Finding> check_tools() {
  std::vector<Finding> findings;
  const bool pip = program_exists("python3");
  const bool npm = program_exists("npm");
  findings.push_back({pip ? Verdict::kGood : Verdict::kWarning, "python3 with pip", pip ? "found" : "not found",
                      pip ? "" : "needed only to fetch models from package registries: apt-get install python3-pip"});
  findings.push_back({npm ? Verdict::kGood : Verdict::kWarning, "npm", npm ? "found" : "not found",
                      npm ? "" : "needed only to fetch Kokoro's voices: apt-get install npm"});
  return findings;
}

int doctor(const Context& context) {
  bool models_ready = false;
  const MachineFacts machine = machine_facts();
  std::vector<Finding> findings{judge_processor(machine.processor, machine.build), judge_memory(machine.memory),
                                check_config(context), judge_onnxruntime(machine.onnxruntime, machine.build)};
  for (Finding& finding : judge_gpu(machine))
    findings.push_back(std::move(finding));
  for (Finding& finding : check_models(context, models_ready))
    findings.push_back(std::move(finding));
  findings.push_back(check_disk(models_ready));
  for (Finding& finding : check_tools())
    findings.push_back(std::move(finding));
  for (Finding& finding : check_ports(context))
    findings.push_back(std::move(finding));

  int bad = 0;
  int warnings = 0;
  OrderedJson all = OrderedJson::array();
  if (!context.json)
    std::cout << bold("morgan " + std::string(app::version()))
              << dim(fmt::format(" ({}, profile {})", app::commit(), machine.build.profile)) << "\n";
  for (const Finding& finding : findings) {
    bad += finding.verdict == Verdict::kBad ? 1 : 0;
    warnings += finding.verdict == Verdict::kWarning ? 1 : 0;
    const char* word = finding.verdict == Verdict::kGood      ? "ok"
                       : finding.verdict == Verdict::kWarning ? "warning"
                                                              : "missing";
    if (context.json) {
      all.push_back({{"check", finding.what}, {"status", word}, {"detail", finding.detail}, {"cure", finding.cure}});
      continue;
    }
    const std::string padded = fmt::format("{:<8}", word);
    std::cout << (finding.verdict == Verdict::kGood      ? green(padded)
                  : finding.verdict == Verdict::kWarning ? yellow(padded)
                                                         : red(padded))
              << fmt::format("{:<26} {}\n", finding.what, finding.detail);
    if (!finding.cure.empty()) std::cout << fmt::format("        {:<26} -> {}\n", "", finding.cure);
  }
  if (context.json) {
    std::cout << dump_json(all, 2) << "\n";
  } else {
    std::cout << (bad > 0 ? fmt::format("\n{} to mend, {} to know of\n", bad, warnings)
                          : fmt::format("\nMorgan can run{}\n",
                                        warnings > 0 ? fmt::format("; {} to know of", warnings) : ""));
  }
  return bad > 0 ? kExitUnavailable : kExitOk;
}

}  // namespace

void add_doctor(CLI::App& root, Context& context) {
  CLI::App* command = root.add_subcommand("doctor", "what is there, what is missing, how to mend it");
  command->callback([&context] { context.action = [&context] { return doctor(context); }; });
}

}  // namespace morgan::cli
