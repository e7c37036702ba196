// sha256 of what lies on disk.
#pragma once

#include "base/result.h"
#include "base/sha256.h"
#include "base/stop.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace morgan::models {

/// Called with the bytes done so far.
using ByteProgress = std::function<void(std::uint64_t)>;

/// @error kNotFound   @error kUnavailable  not readable   @error kCancelled
Result<std::string> sha256_of_file(const std::filesystem::path& path, const StopToken& stop,
                                   const ByteProgress& progress = {});

}  // namespace morgan::models
