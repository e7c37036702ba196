#include "cli/doctor/rules.h"

#include "base/strings.h"
#include "cli/doctor/profiles.h"

#include <fmt/format.h>

#include <algorithm>

namespace morgan::cli {

namespace {

constexpr std::uint64_t kMemoryWanted = 3'000'000'000;
constexpr std::uint64_t kMemoryTaken = 1'300'000'000;
constexpr std::uint64_t kGpuMemoryWanted = 1'500'000'000;
constexpr int kPerMajor = 10;  // of a capability
constexpr std::string_view kDefaultGpuProfile = kCudaProfiles.front().name;

bool contains(std::span<const std::string> all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

std::string dotted(int capability) {
  return fmt::format("{}.{}", capability / kPerMajor, capability % kPerMajor);
}

std::string cuda_text(int version) {
  constexpr int kMajor = 1000;
  constexpr int kMinor = 10;
  return fmt::format("{}.{}", version / kMajor, version % kMajor / kMinor);
}

int cuda_major(int version) {
  return version / 1000;
}

const CudaProfile* profile_named(std::string_view name) {
  const auto found = std::find_if(kCudaProfiles.begin(), kCudaProfiles.end(),
                                  [&](const CudaProfile& profile) { return profile.name == name; });
  return found == kCudaProfiles.end() ? nullptr : &*found;
}

/// The first profile that has machine code for a GPU; "" when none has.
std::string_view profile_for(int capability) {
  for (const CudaProfile& profile : kCudaProfiles) {
    const std::vector<std::string> architectures = split(profile.architectures, ',');
    if (match_kernels(capability, architectures, false) == KernelMatch::kMachineCode) return profile.name;
  }
  return {};
}

std::string driver_cure(const CudaProfile& profile) {
  return fmt::format(
      "install driver {} or newer and restart the machine (Ubuntu: sudo apt install nvidia-driver-{}; Debian: "
      "nvidia-driver of a release that has it)",
      profile.driver_recommended, profile.driver_series);
}

Finding judge_driver(const DriverFacts& driver, const CudaProfile& profile) {
  Finding finding{Verdict::kGood, "NVIDIA driver", driver.version, ""};
  if (driver.version.empty()) {
    finding.verdict = Verdict::kWarning;
    finding.detail = "loaded, version unknown";
    finding.cure = "nvidia-smi should show it; where that fails, install the driver anew";
  } else if (compare_versions(driver.version, profile.driver_minimum) < 0) {
    finding.verdict = Verdict::kBad;
    finding.detail =
        fmt::format("{} is too old: CUDA {} needs {} or newer", driver.version, profile.cuda, profile.driver_minimum);
    finding.cure = driver_cure(profile) + "; until then Morgan runs on the CPU";
  } else if (compare_versions(driver.version, profile.driver_recommended) < 0) {
    finding.verdict = Verdict::kWarning;
    finding.detail =
        fmt::format("{} runs compiled code of CUDA {}, and cannot compile PTX of it", driver.version, profile.cuda);
    finding.cure = "enough for the GPUs that this build has code for; else " + driver_cure(profile);
  }
  return finding;
}

/// "CUDA version mismatch": the runtime asks for a newer major version than the driver speaks.
Finding judge_cuda(const DriverFacts& driver) {
  Finding finding{
      Verdict::kGood, "CUDA",
      fmt::format("runtime {}, driver up to {}", cuda_text(driver.runtime_version), cuda_text(driver.api_version)), ""};
  if (driver.runtime_version == 0) {
    finding.verdict = Verdict::kBad;
    finding.detail = "the CUDA runtime library of this build does not load";
    finding.cure = "`make build` with the same MORGAN_PROFILE puts it into lib/ beside the program's folder";
  } else if (driver.api_version == 0) {
    finding.verdict = Verdict::kWarning;
    finding.detail =
        fmt::format("runtime {}; libcuda.so.1 of the driver does not answer", cuda_text(driver.runtime_version));
    finding.cure = "in a container: NVIDIA_DRIVER_CAPABILITIES must have compute; else install the driver anew";
  } else if (cuda_major(driver.api_version) < cuda_major(driver.runtime_version)) {
    finding.verdict = Verdict::kBad;
    finding.cure = "version mismatch: a newer driver, or a build for an older profile (MORGAN_PROFILE)";
  }
  return finding;
}

Finding judge_kernels(const GpuFacts& gpu, const BuildFacts& build, bool driver_compiles_ptx) {
  Finding finding{Verdict::kGood, "GPU " + gpu.name,
                  fmt::format("compute capability {}, {} of {} free", dotted(gpu.capability),
                              human_bytes(gpu.memory_free), human_bytes(gpu.memory_total)),
                  ""};
  const std::string_view fitting = profile_for(gpu.capability);
  const std::string rebuild = fitting.empty() ? fmt::format("MORGAN_CUDA_ARCHITECTURES={} MORGAN_PROFILE={} make build",
                                                            gpu.capability, build.profile)
                                              : fmt::format("MORGAN_PROFILE={} make build", fitting);
  switch (match_kernels(gpu.capability, build.cuda_architectures, driver_compiles_ptx)) {
    case KernelMatch::kMachineCode:
      break;
    case KernelMatch::kPtx:
      finding.verdict = Verdict::kWarning;
      finding.detail += "; no machine code for it, the driver compiles it at the first start (minutes)";
      finding.cure = rebuild;
      break;
    case KernelMatch::kPtxNeedsDriver:
      finding.verdict = Verdict::kBad;
      finding.detail += "; only PTX fits it, and the driver is too old to compile that";
      finding.cure = "a driver as new as the profile recommends, or: " + rebuild;
      break;
    case KernelMatch::kNone:
      finding.verdict = Verdict::kBad;
      finding.detail += fmt::format("; this build has code for {} only (\"no kernel image is available\")",
                                    join(build.cuda_architectures, ", "));
      finding.cure = rebuild;
      break;
  }
  if (finding.verdict == Verdict::kGood && gpu.memory_free < kGpuMemoryWanted) {
    finding.verdict = Verdict::kWarning;
    finding.cure =
        "the default models take about 1 GB of it; nvidia-smi shows who has the rest, "
        "compute.device = \"cpu\" leaves it alone";
  }
  return finding;
}

Finding judge_missing_driver(const MachineFacts& facts) {
  if (facts.gpu_promised) {
    return {
        Verdict::kWarning, "NVIDIA driver", "none in this container, although its environment names GPUs",
        "install NVIDIA's container toolkit on the host and start with compose.cuda.yaml, or docker run --gpus all"};
  }
  if (facts.build.profile == "cpu") return {Verdict::kGood, "NVIDIA driver", "none; Morgan runs on the CPU", ""};
  return {Verdict::kWarning, "NVIDIA driver", "none; Morgan runs on the CPU although it was built for a GPU",
          fmt::format("install the driver, or build with MORGAN_PROFILE=cpu (this is {})", facts.build.profile)};
}

}  // namespace

int compare_versions(std::string_view a, std::string_view b) {
  const std::vector<std::string> left = split(a, '.');
  const std::vector<std::string> right = split(b, '.');
  for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
    const auto part = [i](const std::vector<std::string>& parts) {
      return i < parts.size() ? parse_integer(parts[i]).value_or(0) : 0;
    };
    if (part(left) != part(right)) return part(left) < part(right) ? -1 : 1;
  }
  return 0;
}

KernelMatch match_kernels(int capability, std::span<const std::string> architectures, bool driver_compiles_ptx) {
  bool ptx = false;
  for (const std::string& architecture : architectures) {
    const std::vector<std::string> parts = split(architecture, '-');
    const int compiled = static_cast<int>(parse_integer(parts.front()).value_or(0));
    if (compiled == 0) continue;
    const std::string kind = parts.size() > 1 ? parts[1] : "";
    // Machine code runs on its own major generation, from its own minor on; PTX on everything newer.
    if (kind != "virtual" && compiled / kPerMajor == capability / kPerMajor && compiled <= capability)
      return KernelMatch::kMachineCode;
    if (kind != "real" && compiled <= capability) ptx = true;
  }
  if (!ptx) return KernelMatch::kNone;
  return driver_compiles_ptx ? KernelMatch::kPtx : KernelMatch::kPtxNeedsDriver;
}

Finding judge_processor(const ProcessorFacts& processor, const BuildFacts& build) {
  std::vector<std::string> lacking;
  if (!processor.flags.empty()) {
    for (const std::string& flag : build.cpu_flags) {
      if (!flag.empty() && !contains(processor.flags, flag)) lacking.push_back(flag);
    }
  }
  const bool avx2 = contains(processor.flags, "avx2");
  const bool avx512 = contains(processor.flags, "avx512f");
  Finding finding{Verdict::kGood, "processor",
                  fmt::format("{} cores, {}", processor.cores,
                              avx512 ? "AVX-512"
                              : avx2 ? "AVX2"
                                     : "no AVX2"),
                  ""};
  if (!lacking.empty()) {
    finding.verdict = Verdict::kBad;
    finding.detail += fmt::format(
        "; this program was compiled for one with {} and would end with \"Illegal instruction\"", join(lacking, ", "));
    finding.cure = "build it on this machine (`make build`), or anywhere with MORGAN_CPU=x86-64-v3";
  } else if (!avx2) {
    finding.verdict = Verdict::kWarning;
    finding.cure = "answers will take seconds; point llm.backend and stt.backend at a faster machine (`morgan config`)";
  }
  return finding;
}

Finding judge_memory(const MemoryFacts& memory) {
  Finding finding{Verdict::kGood, "memory", human_bytes(memory.available) + " available", ""};
  if (memory.limit > 0) finding.detail += fmt::format(", {} allowed to this container", human_bytes(memory.limit));
  if (memory.limit > 0 && memory.limit < kMemoryTaken) {
    finding.verdict = Verdict::kBad;
    finding.cure =
        "the container would be killed while the models load: allow it 2 GB or more (mem_limit), or run one "
        "service in it (`morgan serve stt`)";
  } else if (memory.available < kMemoryWanted) {
    finding.verdict = Verdict::kWarning;
    finding.cure = "Morgan takes about 1.3 GB; set tts.kokoro = false to save 0.3 GB";
  }
  return finding;
}

Finding judge_onnxruntime(const RuntimeFacts& runtime, const BuildFacts& build) {
  if (runtime.version.empty())
    return {Verdict::kBad, "ONNX Runtime", runtime.error, "run `make build` in Morgan's folder"};
  Finding finding{Verdict::kGood, "ONNX Runtime", runtime.version, ""};
  const CudaProfile* profile = profile_named(build.profile);
  if (profile == nullptr) return finding;
  if (!contains(runtime.providers, "CUDAExecutionProvider")) {
    finding.verdict = Verdict::kWarning;
    finding.detail += " has no CUDA provider: voices run on the CPU";
    finding.cure = fmt::format("unset MORGAN_ONNXRUNTIME, or MORGAN_PROFILE={} make build", profile->name);
  } else if (runtime.version != profile->onnxruntime_gpu) {
    finding.verdict = Verdict::kWarning;
    finding.detail += fmt::format(", but {} goes with {}", profile->onnxruntime_gpu, profile->name);
    finding.cure = fmt::format("unset MORGAN_ONNXRUNTIME, or MORGAN_PROFILE={} make build", profile->name);
  } else {
    finding.detail += " with CUDA";
  }
  return finding;
}

std::vector<Finding> judge_gpu(const MachineFacts& facts) {
  const DriverFacts& driver = facts.driver;
  if (!driver.loaded && driver.gpus.empty()) return {judge_missing_driver(facts)};
  if (!driver.library_error.empty()) {
    return {{Verdict::kBad, "NVIDIA driver", driver.library_error,
             "restart the machine if the driver was updated since it started; else install the driver anew"}};
  }
  const CudaProfile* profile = profile_named(facts.build.profile);
  if (profile == nullptr) {
    return {{Verdict::kWarning, "NVIDIA driver",
             fmt::format("{}, {}; this build runs on the CPU", driver.version,
                         driver.gpus.empty() ? "no GPU" : driver.gpus.front().name),
             fmt::format("MORGAN_PROFILE={} make run uses the GPU",
                         driver.gpus.empty() || profile_for(driver.gpus.front().capability).empty()
                             ? kDefaultGpuProfile
                             : profile_for(driver.gpus.front().capability))}};
  }
  std::vector<Finding> findings{judge_driver(driver, *profile), judge_cuda(driver)};
  const bool compiles_ptx = compare_versions(driver.version, profile->driver_recommended) >= 0;
  for (const GpuFacts& gpu : driver.gpus)
    findings.push_back(judge_kernels(gpu, facts.build, compiles_ptx));
  if (driver.gpus.empty()) {
    findings.push_back({Verdict::kWarning, "GPU", "the driver shows none; Morgan runs on the CPU",
                        "nvidia-smi lists them; CUDA_VISIBLE_DEVICES or NVIDIA_VISIBLE_DEVICES may hide them"});
  }
  return findings;
}

}  // namespace morgan::cli
