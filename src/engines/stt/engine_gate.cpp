#include "engines/stt/engine_gate.h"

namespace morgan::engines {

namespace {

/// A token cannot wake a waiter, so a waiter looks at it this often.
constexpr auto kStopCheck = std::chrono::milliseconds(20);

}  // namespace

Result<EngineGate::Pass> EngineGate::enter(SttPriority priority, const StopToken& stop) {
  std::unique_lock lock(mutex_);
  if (busy_ && waiting_[0] + waiting_[1] >= queue_limit_) {
    return fail(ErrorCode::kOverloaded, "too many transcriptions are waiting; try again in a moment");
  }
  std::size_t& mine = waiting_[static_cast<std::size_t>(priority)];
  ++mine;
  const auto may_enter = [&] {
    return !busy_ && (priority == SttPriority::kLive || waiting_[static_cast<std::size_t>(SttPriority::kLive)] == 0);
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

void EngineGate::leave() {
  {
    const std::lock_guard lock(mutex_);
    busy_ = false;
  }
  changed_.notify_all();
}

}  // namespace morgan::engines
