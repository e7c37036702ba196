#include "cli/doctor/machine.h"

#include "app/version.h"
#include "base/file.h"
#include "base/strings.h"
#include "engines/onnx/ort_session.h"

#include <cstdlib>
#include <fstream>
#include <thread>

namespace morgan::cli {

namespace {

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

/// What this control group may take, of version 2 or 1; 0 when there is no limit below the machine's memory.
std::uint64_t memory_limit() {
  for (const char* file : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream stream(file);
    std::uint64_t bytes = 0;
    if (stream >> bytes && bytes > 0 && bytes < meminfo_bytes("MemTotal")) return bytes;
  }
  return 0;
}

ProcessorFacts processor_facts() {
  ProcessorFacts facts;
  facts.cores = std::thread::hardware_concurrency();
  std::ifstream stream("/proc/cpuinfo");
  std::string line;
  while (std::getline(stream, line)) {
    if (!line.starts_with("flags")) continue;
    const std::size_t colon = line.find(':');
    facts.flags = split(trim(std::string_view(line).substr(colon + 1)), ' ');
    break;
  }
  return facts;
}

BuildFacts build_facts() {
  const app::BuildTarget target = app::build_target();
  BuildFacts facts;
  facts.profile = target.profile;
  if (!target.cpu_flags.empty()) facts.cpu_flags = split(target.cpu_flags, ';');
  if (!target.cuda_architectures.empty()) facts.cuda_architectures = split(target.cuda_architectures, ';');
  return facts;
}

RuntimeFacts runtime_facts() {
  RuntimeFacts facts;
  const Result<void> loaded = engines::onnx::load_runtime();
  if (!loaded) {
    facts.error = loaded.error().message;
    return facts;
  }
  facts.version = engines::onnx::runtime_version();
  facts.providers = engines::onnx::runtime_providers();
  return facts;
}

}  // namespace

MachineFacts machine_facts() {
  MachineFacts facts;
  facts.build = build_facts();
  facts.processor = processor_facts();
  facts.memory = {meminfo_bytes("MemAvailable"), memory_limit()};
  facts.driver = driver_facts();
  facts.onnxruntime = runtime_facts();
  const char* visible = std::getenv("NVIDIA_VISIBLE_DEVICES");
  const std::string_view names = visible == nullptr ? "" : visible;
  facts.gpu_promised = !names.empty() && names != "void" && names != "none";
  return facts;
}

}  // namespace morgan::cli
