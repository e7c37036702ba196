#include "stores/circuit_breaker.h"

#include <algorithm>

namespace morgan::stores {

CircuitBreaker::CircuitBreaker(BackoffOptions options)
    : options_(options), random_(options.seed != 0 ? options.seed : std::random_device{}()) {}

void CircuitBreaker::failed(TimePoint now) {
  constexpr int kMostDoublings = 20;
  auto pause = options_.first * (1LL << std::min(failures_, kMostDoublings));
  pause = std::min<std::chrono::milliseconds>(pause, options_.most);
  std::uniform_real_distribution<double> share(1.0 - options_.jitter, 1.0);
  retry_at_ = now + std::chrono::duration_cast<std::chrono::microseconds>(pause * share(random_));
  ++failures_;
}

}  // namespace morgan::stores
