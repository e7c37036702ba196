#include "services/wyoming/wyoming_service.h"

#include "runtime/blocking_pool.h"
#include "services/wyoming/wyoming_info.h"
#include "services/wyoming/wyoming_session.h"

#include <chrono>
#include <mutex>
#include <utility>

namespace morgan::services {

namespace {

using Clock = std::chrono::steady_clock;

/// An upstream may have other voices by then; for engines of this process it changes nothing.
constexpr std::chrono::seconds kInfoFresh{60};

}  // namespace

struct WyomingService::State : std::enable_shared_from_this<State> {
  State(WyomingParts given, const WyomingOptions& options)
      : parts(std::move(given)), pool(runtime::BlockingPool::create(options.threads, options.max_connections + 1)) {}

  const WyomingParts parts;
  const std::unique_ptr<runtime::BlockingPool> pool;
  std::unique_ptr<WyomingSession::Surroundings> around;

  std::mutex mutex;  // guards everything below
  std::string info;
  Clock::time_point info_made;
  bool info_asked = false;

  void make_info() {
    std::string bytes = frame_of({"info", wyoming_info(parts)});
    const std::lock_guard lock(mutex);
    info = std::move(bytes);
    info_made = Clock::now();
    info_asked = false;
  }

  /// As it was last made: clients wait a second for it, an upstream may take longer.
  std::string known_info() {
    const std::lock_guard lock(mutex);
    if (Clock::now() - info_made > kInfoFresh && !std::exchange(info_asked, true)) {
      info_asked = static_cast<bool>(pool->run([self = shared_from_this()] { self->make_info(); }));
    }
    return info;
  }
};

WyomingService::WyomingService(WyomingParts parts, WyomingOptions options)
    : state_(std::make_shared<State>(std::move(parts), options)) {
  State& state = *state_;
  state.make_info();
  state.around = std::make_unique<WyomingSession::Surroundings>(
      WyomingSession::Surroundings{state.parts, *state.pool, [&state] { return state.known_info(); }});
}

WyomingService::~WyomingService() {
  stop();
}

net::TcpSessionFactory WyomingService::sessions() {
  return [&around = *state_->around](std::shared_ptr<net::TcpPeer> peer) {
    return std::make_shared<WyomingSession>(around, std::move(peer));
  };
}

void WyomingService::stop() {
  state_->pool->stop();
}

}  // namespace morgan::services
