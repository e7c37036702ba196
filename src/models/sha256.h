// sha256 of what is downloaded and of what lies on disk.
#pragma once

#include "base/result.h"
#include "base/stop.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace morgan::models {

/// @source FIPS 180-4, by OpenSSL
class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  ~Sha256();

  void update(std::string_view bytes);
  /// Lower-case hexadecimal. Call once.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Called with the bytes done so far.
using ByteProgress = std::function<void(std::uint64_t)>;

/// @error kNotFound   @error kUnavailable  not readable   @error kCancelled
Result<std::string> sha256_of_file(const std::filesystem::path& path, const StopToken& stop,
                                   const ByteProgress& progress = {});

}  // namespace morgan::models
