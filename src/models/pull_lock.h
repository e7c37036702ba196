// One pull at a time per model, over all processes. The lock ends with the process, however it ends.
#pragma once

#include "base/result.h"
#include "base/stop.h"

#include <filesystem>
#include <functional>

namespace morgan::models {

class PullLock {
 public:
  /// Waits until the lock is free; calls `on_wait` while it waits.
  /// @error kCancelled   @error kUnavailable  the lock file cannot be made
  static Result<PullLock> acquire(const std::filesystem::path& file, const std::function<void()>& on_wait,
                                  const StopToken& stop);

  PullLock(PullLock&& other) noexcept;
  PullLock& operator=(PullLock&&) = delete;
  PullLock(const PullLock&) = delete;
  PullLock& operator=(const PullLock&) = delete;
  ~PullLock();

 private:
  explicit PullLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace morgan::models
