// One writer at a time, over all processes of this machine. The lock ends with the process, however it ends.
#pragma once

#include "base/result.h"

#include <filesystem>

namespace morgan {

class FileLock {
 public:
  /// Waits for the lock; whoever holds it does so for moments only.
  /// @error kUnavailable  the lock file cannot be made
  static Result<FileLock> take(const std::filesystem::path& file);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace morgan
