// What a server's stop() waits for: work and connections that are still under way.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace morgan::net {

/// Counts that stop() waits for. @thread any
class LiveCounts {
 public:
  void add_connection(int change) { add(connections_, change); }
  void add_busy(int change) { add(busy_, change); }
  void add_handler(int change) { add(handlers_, change); }

  /// @return false when the time was over first
  bool wait_idle(std::chrono::milliseconds limit) { return wait(limit, busy_); }
  bool wait_no_handler(std::chrono::milliseconds limit) { return wait(limit, handlers_); }
  bool wait_no_connection(std::chrono::milliseconds limit) { return wait(limit, connections_); }

 private:
  void add(int& count, int change) {
    const std::lock_guard lock(mutex_);
    count += change;
    if (count == 0) zero_.notify_all();
  }
  bool wait(std::chrono::milliseconds limit, const int& count) {
    std::unique_lock lock(mutex_);
    return zero_.wait_for(lock, limit, [&count] { return count == 0; });
  }

  std::mutex mutex_;  // guards everything below
  std::condition_variable zero_;
  int connections_ = 0;
  int busy_ = 0;      // requests begun and not yet answered; WebSocket sessions
  int handlers_ = 0;  // handlers queued or on a thread
};

}  // namespace morgan::net
