#include "engines/stt/engine_gate.h"

#include <algorithm>
#include <numeric>

namespace morgan::engines {

namespace {

/// A token cannot wake a waiter, so a waiter looks at it this often.
constexpr auto kStopCheck = std::chrono::milliseconds(20);

}  // namespace

Result<EngineGate::Pass> EngineGate::enter(SttPriority priority, const StopToken& stop) {
  std::unique_lock lock(mutex_);
  if (busy_ && count_waiting() >= queue_limit_) {
    return fail(ErrorCode::kOverloaded, "too many transcriptions are waiting; try again in a moment");
  }
  std::size_t& mine = waiting_[static_cast<std::size_t>(priority)];
  ++mine;
  const auto may_enter = [&] {
    const auto before = waiting_.begin() + static_cast<std::ptrdiff_t>(priority);
    return !busy_ && std::all_of(waiting_.begin(), before, [](std::size_t count) { return count == 0; });
  };
  while (!may_enter()) {
    if (stop.stop_requested()) {
      --mine;
      changed_.notify_all();
      return fail(stop.error());
    }
    changed_.wait_for(lock, kStopCheck);
  }
  --mine;
  busy_ = true;
  return Pass(this);
}

std::size_t EngineGate::count_waiting() const {
  return std::accumulate(waiting_.begin(), waiting_.end(), std::size_t{0});
}

std::size_t EngineGate::waiting() const {
  const std::lock_guard lock(mutex_);
  return count_waiting();
}

void EngineGate::leave() {
  {
    const std::lock_guard lock(mutex_);
    busy_ = false;
  }
  changed_.notify_all();
}

}  // namespace morgan::engines
