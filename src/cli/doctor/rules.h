// Judges a machine's facts: each rule gives findings, and each finding that is not good has its cure. No I/O.
#pragma once

#include "cli/doctor/facts.h"

#include <span>
#include <string>
#include <vector>

namespace morgan::cli {

enum class Verdict { kGood, kWarning, kBad };

struct Finding {
  Verdict verdict = Verdict::kGood;
  std::string what;
  std::string detail;
  std::string cure;
};

/// Below 0, 0, above 0 as `a` is older, the same, newer. Dotted numbers; a missing part is 0.
int compare_versions(std::string_view a, std::string_view b);

/// Whether machine code, or PTX that this driver may compile, is there for a GPU.
enum class KernelMatch { kMachineCode, kPtx, kPtxNeedsDriver, kNone };
KernelMatch match_kernels(int capability, std::span<const std::string> architectures, bool driver_compiles_ptx);

Finding judge_processor(const ProcessorFacts& processor, const BuildFacts& build);
Finding judge_memory(const MemoryFacts& memory);
Finding judge_onnxruntime(const RuntimeFacts& runtime, const BuildFacts& build);
/// Driver, CUDA versions and each GPU.
std::vector<Finding> judge_gpu(const MachineFacts& facts);

}  // namespace morgan::cli
