// What the connections of one server share. The io_context's one thread runs all of it but the counters,
// which stop() waits on from outside.
#pragma once

#include "net/descriptor_limit.h"
#include "net/server.h"
#include "runtime/blocking_pool.h"

#include <boost/asio/io_context.hpp>

#include <condition_variable>
#include <mutex>

namespace morgan::net {

/// Blocking WebSocket sessions, each of which has a thread.
constexpr std::size_t kMaxWsThreads = 64;

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

struct ServerContext {
  ServerContext(ServerOptions given, Router table)
      : options(std::move(given)),
        routes(std::move(table)),
        pool(runtime::BlockingPool::create(options.worker_threads, options.queue_limit)) {}

  ServerOptions options;
  Router routes;
  LiveCounts counts;
  boost::asio::io_context io{1};
  std::unique_ptr<runtime::BlockingPool> pool;
  DescriptorShare descriptors;  // held while the server runs

  // I/O thread only.
  bool draining = false;        // finish what runs, begin nothing
  std::size_t ws_threads = 0;   // blocking WebSocket sessions that are open
  std::size_t ws_sessions = 0;  // the others
};

}  // namespace morgan::net
