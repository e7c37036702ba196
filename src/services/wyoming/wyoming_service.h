// The Wyoming protocol, which Home Assistant and its satellites speak: sessions for a net::TcpServer.
// docs/compatibility.md has the list of events.
#pragma once

#include "net/tcp_server.h"
#include "services/wyoming/wyoming_parts.h"

#include <memory>

namespace morgan::services {

struct WyomingOptions {
  std::size_t threads = 16;           ///< requests carried out at once
  std::size_t max_connections = 128;  ///< of which each may have one waiting
};

/// Outlives the server that has its sessions. @thread any
class WyomingService {
 public:
  WyomingService(WyomingParts parts, WyomingOptions options);
  ~WyomingService();
  WyomingService(const WyomingService&) = delete;
  WyomingService& operator=(const WyomingService&) = delete;

  net::TcpSessionFactory sessions();
  /// Waits for requests under way and joins; the server has stopped. Idempotent.
  void stop();

 private:
  struct State;
  const std::shared_ptr<State> state_;  // shared with the task that asks for voices anew
};

}  // namespace morgan::services
