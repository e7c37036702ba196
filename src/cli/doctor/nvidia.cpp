// NVIDIA's driver, asked through its own libraries: NVML for driver and GPUs, libcuda and libcudart for their versions.
// None of them is linked: a machine without a GPU has none.
#include "app/gpu_probe.h"
#include "cli/doctor/machine.h"

#include <dlfcn.h>

#include <filesystem>
#include <fstream>
#include <memory>

namespace morgan::cli {

namespace {

struct CloseLibrary {
  void operator()(void* library) const { ::dlclose(library); }
};
using Library = std::unique_ptr<void, CloseLibrary>;

Library open_library(const std::string& name) {
  return Library(::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL));
}

template <typename Function>
Function function_of(const Library& library, const char* name) {
  return library ? reinterpret_cast<Function>(::dlsym(library.get(), name)) : nullptr;
}

void ask_nvml(DriverFacts& facts) {
  const Result<std::unique_ptr<app::GpuProbe>> probe = app::GpuProbe::open();
  if (!probe) {
    if (facts.loaded && probe.error().code == ErrorCode::kUnavailable) facts.library_error = probe.error().message;
    return;
  }
  facts.loaded = true;
  if (const std::string version = (*probe)->driver_version(); !version.empty()) facts.version = version;
  for (const app::GpuReading& gpu : (*probe)->read())
    facts.gpus.push_back({gpu.name, gpu.capability, gpu.memory_total, gpu.memory_total - gpu.memory_used});
}

/// Of the kernel's module: "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  ...", "" when there is none.
std::string module_version() {
  std::ifstream stream("/proc/driver/nvidia/version");
  std::string word;
  for (int i = 0; stream >> word && i < 32; ++i) {
    if (word.find('.') != std::string::npos && word.find_first_not_of("0123456789.") == std::string::npos) return word;
  }
  return {};
}

int version_from(const Library& library, const char* call) {
  using Ask = int (*)(int*);
  int version = 0;
  const auto ask = function_of<Ask>(library, call);
  return ask != nullptr && ask(&version) == 0 ? version : 0;
}

/// The CUDA runtime that lies beside the program, else the system's.
Library open_cuda_runtime() {
  std::error_code status;
  const std::filesystem::path binary = std::filesystem::read_symlink("/proc/self/exe", status);
  for (const auto& entry : std::filesystem::directory_iterator(binary.parent_path().parent_path() / "lib", status)) {
    if (entry.path().filename().string().starts_with("libcudart.so")) return open_library(entry.path().string());
  }
  Library library = open_library("libcudart.so.12");
  return library ? std::move(library) : open_library("libcudart.so.13");
}

}  // namespace

DriverFacts driver_facts() {
  DriverFacts facts;
  std::error_code status;
  facts.loaded = std::filesystem::exists("/proc/driver/nvidia/version", status);
  facts.version = module_version();
  ask_nvml(facts);
  if (!facts.loaded) return facts;
  facts.api_version = version_from(open_library("libcuda.so.1"), "cuDriverGetVersion");
  facts.runtime_version = version_from(open_cuda_runtime(), "cudaRuntimeGetVersion");
  return facts;
}

}  // namespace morgan::cli
