// WebSocket as services see it (server side).
#pragma once

#include "base/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace morgan::net {

struct Request;

struct WsMessage {
  bool binary = false;
  std::string data;
};

/// One client, for the life of its session. The session runs on a thread of its own (bounded in number
/// by the server), so receive() blocks.
class WsPeer {
 public:
  virtual ~WsPeer() = default;
  /// Next whole message, at most 1 MiB. @error kUnavailable  the peer has gone  @error kTooLarge
  virtual Result<WsMessage> receive() = 0;
  /// Queues a message. @error kOverloaded  outbox full (4 MiB), nothing queued  @error kUnavailable  gone
  /// @thread any
  virtual Result<void> send(WsMessage message) = 0;
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
};

using WsHandler = std::function<void(const Request&, WsPeer&)>;

}  // namespace morgan::net
