// Threads for calls that block (handlers, engines, the store). They appear as work does, so an idle pool costs none;
// what runs and what waits for a thread is bounded.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <functional>
#include <memory>

namespace morgan::runtime {

/// @thread any
class BlockingPool {
 public:
  /// @param max_threads  calls that run at once, at least 1   @param max_waiting  calls that may wait for one of them
  static std::unique_ptr<BlockingPool> create(std::size_t max_threads, std::size_t max_waiting);
  virtual ~BlockingPool() = default;
  /// Tasks begin in the order in which they were taken.
  /// @error kOverloaded  too many are waiting, or the pool has stopped; the task was not taken
  virtual Result<void> run(std::function<void()> task) = 0;
  /// Waits for what runs and what waits, joins. Idempotent. @thread none of the pool's own
  virtual void stop() = 0;
};

}  // namespace morgan::runtime
