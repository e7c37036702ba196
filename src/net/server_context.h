// What the connections of one server share. The io_context's one thread runs all of it but the counters,
// which stop() waits on from outside.
#pragma once

#include "net/descriptor_limit.h"
#include "net/live_counts.h"
#include "net/server.h"
#include "runtime/blocking_pool.h"

#include <boost/asio/io_context.hpp>

namespace morgan::net {

/// Blocking WebSocket sessions, each of which has a thread.
constexpr std::size_t kMaxWsThreads = 64;

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
