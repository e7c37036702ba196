// Cancellation: one StopSource per request or turn; its token is passed down to every engine call.
// A request to stop carries one reason, which picks the metric and the close code.
#pragma once

#include "base/error.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

namespace morgan {

enum class StopReason : std::uint8_t { kNone, kClientGone, kBargeIn, kDeadline, kOverload, kShutdown };

std::string_view to_string(StopReason reason);

/// A cheap, copyable view of a StopSource. A default-made token never stops.
/// @thread any
class StopToken {
 public:
  StopToken() = default;

  /// The first reason given, or kDeadline once the deadline has passed, or kNone.
  StopReason reason() const;
  bool stop_requested() const { return reason() != StopReason::kNone; }

  /// The error an interrupted call returns: kCancelled or kDeadlineExceeded.
  Error error() const;

 private:
  friend class StopSource;
  struct State {
    std::atomic<StopReason> reason{StopReason::kNone};
    std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
    std::shared_ptr<const State> parent;  // stops this one, too
  };
  explicit StopToken(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;  // shared by the source and every copy of its token
};

class StopSource {
 public:
  StopSource() : state_(std::make_shared<StopToken::State>()) {}
  /// Stops by itself, with kDeadline, at `deadline`.
  explicit StopSource(std::chrono::steady_clock::time_point deadline) : StopSource() { state_->deadline = deadline; }

  /// Stops by itself when the parent does, with its reason.
  explicit StopSource(const StopToken& parent) : StopSource() { state_->parent = parent.state_; }

  StopToken token() const { return StopToken(state_); }
  /// Only the first reason counts.
  void request_stop(StopReason reason);

 private:
  std::shared_ptr<StopToken::State> state_;  // see StopToken
};

}  // namespace morgan
