// One file over HTTP, resumed where the last attempt stopped.
#pragma once

#include "base/result.h"
#include "base/stop.h"
#include "models/sha256.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace morgan::models {

struct DownloadRequest {
  std::string url;
  std::filesystem::path target;  ///< "<target>.part" holds what has come so far
  std::uint64_t size = 0;        ///< what the file must have
  std::string sha256;
};

/// Brings `target` into being, complete and checked.
/// @error kUnavailable  no connection, or cut off three times without a byte in between   @error kNotFound  HTTP error
/// @error kCorrupt  another size or hash   @error kCancelled  the part stays for the next time
Result<void> download_file(const DownloadRequest& request, const ByteProgress& progress, const StopToken& stop);

/// Address of a file in a hub's repository; `endpoint` "" is the official hub.
std::string hub_url(const std::string& endpoint, const std::string& repository, const std::string& revision,
                    const std::string& member);

}  // namespace morgan::models
