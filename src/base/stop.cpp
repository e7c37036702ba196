#include "base/stop.h"

namespace morgan {

std::string_view to_string(StopReason reason) {
  switch (reason) {
    case StopReason::kNone:
      return "none";
    case StopReason::kClientGone:
      return "client_gone";
    case StopReason::kBargeIn:
      return "barge_in";
    case StopReason::kDeadline:
      return "deadline";
    case StopReason::kOverload:
      return "overload";
    case StopReason::kShutdown:
      return "shutdown";
  }
  return "none";
}

StopReason StopToken::reason() const {
  for (const State* state = state_.get(); state != nullptr; state = state->parent.get()) {
    const StopReason given = state->reason.load(std::memory_order_relaxed);
    if (given != StopReason::kNone) return given;
    if (state->deadline != std::chrono::steady_clock::time_point::max() &&
        std::chrono::steady_clock::now() >= state->deadline) {
      return StopReason::kDeadline;
    }
  }
  return StopReason::kNone;
}

Error StopToken::error() const {
  if (reason() == StopReason::kDeadline) {
    return {ErrorCode::kDeadlineExceeded, "the request took longer than its time limit"};
  }
  return {ErrorCode::kCancelled, "the request was cancelled: " + std::string(to_string(reason()))};
}

void StopSource::request_stop(StopReason reason) {
  StopReason expected = StopReason::kNone;
  state_->reason.compare_exchange_strong(expected, reason);
}

}  // namespace morgan
