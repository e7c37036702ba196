// What `morgan doctor` knows of a machine, apart from how it was found out: the rules (rules.h) judge facts, so that a
// test can give them a driver that is too old without having one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::cli {

/// A CUDA profile of versions.toml; profiles.h has them all.
struct CudaProfile {
  std::string_view name;                ///< "cuda-12.4"
  std::string_view cuda;                ///< "12.4"
  std::string_view driver_minimum;      ///< its machine code runs from this one on
  std::string_view driver_recommended;  ///< compiles its PTX, too
  std::string_view driver_series;       ///< "550", as packages of distributions are named
  std::string_view onnxruntime_gpu;     ///< version of the wheel
  std::string_view architectures;       ///< "70,75,80": with machine code
  std::string_view ptx;                 ///< "90": what newer GPUs get compiled by the driver
};

struct GpuFacts {
  std::string name;
  int capability = 0;  ///< 86 is compute capability 8.6
  std::uint64_t memory_total = 0;
  std::uint64_t memory_free = 0;
};

/// Versions of CUDA are written as it does: 12040 is 12.4.
struct DriverFacts {
  bool loaded = false;         ///< the kernel has the module
  std::string version;         ///< "550.54.15"; "" when unknown
  std::string library_error;   ///< why NVML does not answer; "" when it does, or when there is no driver
  int api_version = 0;         ///< newest CUDA that the driver speaks; 0 when unknown
  int runtime_version = 0;     ///< of the CUDA runtime library that the program loads; 0 when it has none
  std::vector<GpuFacts> gpus;  ///< in NVML's order
};

struct BuildFacts {
  std::string profile = "cpu";
  std::vector<std::string> cpu_flags;
  std::vector<std::string> cuda_architectures;  ///< "80-real", "90-virtual", "86" (both)
};

struct ProcessorFacts {
  unsigned cores = 0;
  std::vector<std::string> flags;  ///< as /proc/cpuinfo has them; empty when unknown
};

struct MemoryFacts {
  std::uint64_t available = 0;  ///< bytes
  std::uint64_t limit = 0;      ///< of this container, bytes; 0 when there is none
};

struct RuntimeFacts {
  std::string version;  ///< of ONNX Runtime; "" when it does not load
  std::string error;    ///< why it does not load
  std::vector<std::string> providers;
};

struct MachineFacts {
  BuildFacts build;
  ProcessorFacts processor;
  MemoryFacts memory;
  DriverFacts driver;
  RuntimeFacts onnxruntime;
  bool gpu_promised = false;  ///< the container's environment names GPUs (NVIDIA_VISIBLE_DEVICES)
};

}  // namespace morgan::cli
