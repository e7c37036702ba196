// The CUDA profiles of versions.toml, for `morgan doctor`. Written by scripts/align.py: change versions.toml.
#pragma once

#include "cli/doctor/facts.h"

#include <array>

namespace morgan::cli {

// clang-format off
inline constexpr std::array<CudaProfile, 3> kCudaProfiles{{
    {"cuda-12.4", "12.4", "525.60.13", "550.54.15", "550", "1.22.0", "70,75,80,86,89,90", "90"},
    {"cuda-12.8", "12.8", "525.60.13", "570.124.06", "570", "1.26.0", "75,80,86,89,90,100,120", "120"},
    {"cuda-13.0", "13.0", "580.65.06", "580.95.05", "580", "1.28.0", "75,80,86,89,90,100,120", "120"},
}};
// clang-format on

}  // namespace morgan::cli
