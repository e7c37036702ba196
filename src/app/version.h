// Which Morgan this is, and on which libraries it was built.
#pragma once

#include "base/json_util.h"

#include <string_view>

namespace morgan::app {

std::string_view version();
/// Abbreviated commit of the build, or "unknown".
std::string_view commit();
/// What the engines were compiled for; `morgan doctor` compares it with the machine.
struct BuildTarget {
  std::string_view profile;             ///< of versions.toml: "cpu", "cuda-12.4"
  std::string_view cpu_flags;           ///< names of /proc/cpuinfo by semicolon: "sse4_2;avx;avx2"
  std::string_view cuda_architectures;  ///< CMake's names by semicolon: "80-real;90-virtual"; "" on the CPU
};
BuildTarget build_target();
/// Library to version, for /version, `morgan --version` and doctor.
OrderedJson library_versions();

}  // namespace morgan::app
