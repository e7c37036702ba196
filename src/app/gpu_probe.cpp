#include "app/gpu_probe.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>

namespace morgan::app {

namespace {

// The calls of NVML that are used, as nvml.h declares them: it keeps them by symbol name.
// @source NVML API reference
constexpr int kSuccess = 0;
constexpr int kInsufficientSize = 7;
constexpr int kTemperatureOfGpu = 0;
constexpr unsigned kTextLength = 96;
constexpr unsigned kMostGpus = 64;

using Device = void*;
struct Memory {
  unsigned long long total = 0;
  unsigned long long free = 0;
  unsigned long long used = 0;
};
struct Utilization {
  unsigned gpu = 0;  ///< percent
  unsigned memory = 0;
};
using Simple = int (*)();
using ErrorText = const char* (*)(int);
using DriverVersion = int (*)(char*, unsigned);
using Count = int (*)(unsigned*);
using ByIndex = int (*)(unsigned, Device*);
using Name = int (*)(Device, char*, unsigned);
using Capability = int (*)(Device, int*, int*);
using MemoryOf = int (*)(Device, Memory*);
using UtilizationOf = int (*)(Device, Utilization*);
using Temperature = int (*)(Device, int, unsigned*);
using Power = int (*)(Device, unsigned*);
using Processes = int (*)(Device, unsigned*, void*);

}  // namespace

struct GpuProbe::State {
  void* library = nullptr;

  ~State() {
    if (library != nullptr) ::dlclose(library);
  }

  /// Calls it when the library has it. False when not, or when it fails.
  template <typename Function, typename... Arguments>
  bool ask(const char* name, Arguments... arguments) const {
    return code_of<Function>(name, arguments...) == kSuccess;
  }

  template <typename Function, typename... Arguments>
  int code_of(const char* name, Arguments... arguments) const {
    const auto function = reinterpret_cast<Function>(::dlsym(library, name));
    return function == nullptr ? -1 : function(arguments...);
  }

  GpuReading reading_of(Device device) const;
};

GpuReading GpuProbe::State::reading_of(Device device) const {
  constexpr double kPercent = 100;
  constexpr double kMilliwatts = 1000;
  GpuReading reading;
  std::array<char, kTextLength> name{};
  if (ask<Name>("nvmlDeviceGetName", device, name.data(), kTextLength)) reading.name = name.data();
  int major = 0;
  int minor = 0;
  if (ask<Capability>("nvmlDeviceGetCudaComputeCapability", device, &major, &minor))
    reading.capability = major * 10 + minor;
  Memory memory;
  if (ask<MemoryOf>("nvmlDeviceGetMemoryInfo", device, &memory)) {
    reading.memory_total = memory.total;
    reading.memory_used = memory.used;
  }
  Utilization utilization;
  if (ask<UtilizationOf>("nvmlDeviceGetUtilizationRates", device, &utilization))
    reading.utilization = utilization.gpu / kPercent;
  unsigned value = 0;
  if (ask<Temperature>("nvmlDeviceGetTemperature", device, kTemperatureOfGpu, &value))
    reading.temperature_celsius = value;
  if (ask<Power>("nvmlDeviceGetPowerUsage", device, &value)) reading.power_watts = value / kMilliwatts;
  // Without room for them it says how many there are.
  value = 0;
  const int code =
      code_of<Processes>("nvmlDeviceGetComputeRunningProcesses_v3", device, &value, static_cast<void*>(nullptr));
  if (code == kSuccess || code == kInsufficientSize) reading.processes = value;
  return reading;
}

GpuProbe::GpuProbe(std::unique_ptr<State> state) : state_(std::move(state)) {}

GpuProbe::~GpuProbe() {
  state_->ask<Simple>("nvmlShutdown");
}

Result<std::unique_ptr<GpuProbe>> GpuProbe::open(const std::string& library) {
  auto state = std::make_unique<State>();
  state->library = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (state->library == nullptr) return fail(ErrorCode::kNotFound, "there is no NVIDIA driver (" + library + ")");
  if (const int code = state->code_of<Simple>("nvmlInit_v2"); code != kSuccess) {
    const auto text = reinterpret_cast<ErrorText>(::dlsym(state->library, "nvmlErrorString"));
    return fail(ErrorCode::kUnavailable, text != nullptr ? text(code) : library + " does not start");
  }
  return std::unique_ptr<GpuProbe>(new GpuProbe(std::move(state)));
}

std::string GpuProbe::driver_version() const {
  std::array<char, kTextLength> version{};
  return state_->ask<DriverVersion>("nvmlSystemGetDriverVersion", version.data(), kTextLength) ? version.data() : "";
}

std::vector<GpuReading> GpuProbe::read() const {
  unsigned count = 0;
  std::vector<GpuReading> readings;
  if (!state_->ask<Count>("nvmlDeviceGetCount_v2", &count)) return readings;
  for (unsigned i = 0; i < std::min(count, kMostGpus); ++i) {
    Device device = nullptr;
    if (state_->ask<ByIndex>("nvmlDeviceGetHandleByIndex_v2", i, &device))
      readings.push_back(state_->reading_of(device));
  }
  return readings;
}

}  // namespace morgan::app
