// Whether to ask a server that failed: not at once, and not all replicas at the same moment. Time is passed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace morgan::stores {

struct BackoffOptions {
  std::chrono::milliseconds first{100};
  std::chrono::milliseconds most{2000};
  double jitter = 0.3;     ///< each pause is shortened by up to this share, at random
  std::uint64_t seed = 0;  ///< 0: a random one
};

/// Closed: ask. Open: do not, until a pause has passed; then one attempt decides. Pauses double up to the longest.
/// @thread one caller at a time
class CircuitBreaker {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit CircuitBreaker(BackoffOptions options = {});
  bool closed() const { return failures_ == 0; }
  /// True when closed, and for the attempt that is due.
  bool allows(TimePoint now) const { return closed() || now >= retry_at_; }
  void failed(TimePoint now);
  void succeeded() { failures_ = 0; }
  /// When the next attempt is due; meaningless when closed.
  TimePoint retry_at() const { return retry_at_; }

 private:
  BackoffOptions options_;
  std::mt19937_64 random_;
  int failures_ = 0;
  TimePoint retry_at_{};
};

}  // namespace morgan::stores
