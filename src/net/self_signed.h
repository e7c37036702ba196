// A certificate that a server makes for itself: nobody else vouches for it, so its clients are given the file. For a
// home or a laboratory, and for tests.
#pragma once

#include "base/result.h"

#include <filesystem>
#include <string>
#include <vector>

namespace morgan::net {

struct SelfSignedOptions {
  std::vector<std::string> names;  ///< host names and addresses that it is good for; one at least
  int days = 825;                  ///< browsers of some makers take no longer time
};

/// Writes the certificate, and its key so that only the owner may read it; what is there is replaced.
/// @error kInvalidArgument  no name, or one that is none   @error kUnavailable  not writable
Result<void> write_self_signed(const SelfSignedOptions& options, const std::filesystem::path& certificate,
                               const std::filesystem::path& key);

}  // namespace morgan::net
