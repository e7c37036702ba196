// NVIDIA's GPUs as NVML, the driver's own library, tells of them: for metrics and `morgan doctor`. The library is
// opened at run time, because a machine without the driver has none.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace morgan::app {

/// What a GPU cannot tell is absent.
struct GpuReading {
  std::string name;
  int capability = 0;  ///< 86 is compute capability 8.6
  std::uint64_t memory_total = 0;
  std::uint64_t memory_used = 0;
  std::optional<double> utilization;  ///< share of the last moment in which it computed, 0 to 1
  std::optional<double> temperature_celsius;
  std::optional<double> power_watts;
  std::optional<unsigned> processes;  ///< that compute on it
};

/// @thread one at a time; a call takes milliseconds, and as long as it likes when the driver is in trouble
class GpuProbe {
 public:
  /// @error kNotFound  no such library, so no driver   @error kUnavailable  it does not start, with its reason
  static Result<std::unique_ptr<GpuProbe>> open(const std::string& library = "libnvidia-ml.so.1");
  ~GpuProbe();
  GpuProbe(const GpuProbe&) = delete;
  GpuProbe& operator=(const GpuProbe&) = delete;

  /// "550.54.15"; "" when it does not say.
  std::string driver_version() const;
  /// In NVML's order, 64 at most. One that has vanished is left out.
  std::vector<GpuReading> read() const;

 private:
  struct State;
  explicit GpuProbe(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace morgan::app
