// One engine, many callers: lets one in at a time in the order of SttPriority, a bounded number waiting.
#pragma once

#include "base/result.h"
#include "base/stop.h"
#include "engines/stt/stt_engine.h"

#include <array>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace morgan::engines {

class EngineGate {
 public:
  explicit EngineGate(std::size_t queue_limit) : queue_limit_(queue_limit) {}

  /// Holds the engine until destruction.
  class Pass {
   public:
    explicit Pass(EngineGate* gate) : gate_(gate) {}
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (gate_ != nullptr) gate_->leave();
    }

   private:
    EngineGate* gate_;  // not owned; null after a move
  };

  /// Waits for its turn. @error kOverloaded  queue full   @error kCancelled, kDeadlineExceeded
  Result<Pass> enter(SttPriority priority, const StopToken& stop);

  /// Callers that wait just now.
  std::size_t waiting() const;

 private:
  void leave();
  std::size_t count_waiting() const;  // under mutex_

  const std::size_t queue_limit_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool busy_ = false;                     // guarded by mutex_
  std::array<std::size_t, 3> waiting_{};  // guarded by mutex_; by priority
};

}  // namespace morgan::engines
