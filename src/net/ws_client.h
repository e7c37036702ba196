// Blocking WebSocket client, for the CLI. A thread of its own drives the socket, so that pings are
// answered and messages arrive while nobody calls.
#pragma once

#include "base/result.h"
#include "net/http_types.h"
#include "net/ws_types.h"

#include <chrono>
#include <memory>
#include <string>

namespace morgan::net {

/// @thread any; made for one that sends and one that receives at the same time
class WsClient {
 public:
  /// Connects and shakes hands. @param url  ws:// or wss://host[:port]/path[?query], port 80 or 443 by default
  /// @param ca_file  PEM: whom to trust beside the system's authorities, or ""
  /// @error kInvalidArgument  the url, ca_file   @error kUnavailable  no connection, a certificate that is not trusted,
  /// or the server refused (message has the status)   @error kOverloaded  refused with 503   @error kNotFound  with 404
  /// @error kUnauthorized  with 401, 403
  /// @error kDeadlineExceeded  not done within `timeout`
  static Result<std::unique_ptr<WsClient>> connect(const std::string& url, const Headers& headers,
                                                   std::chrono::milliseconds timeout, const std::string& ca_file = {});
  /// Cuts the connection unless it is closed already.
  virtual ~WsClient() = default;

  /// Queues a message; waits while 1 MiB waits for the socket already.
  /// @error kUnavailable  closed   @error kDeadlineExceeded  the server took nothing for 30 s
  virtual Result<void> send(WsMessage message) = 0;
  /// The next whole message, at most 16 MiB. What came before the close is still delivered after it.
  /// @error kDeadlineExceeded  none within `timeout`   @error kUnavailable  closed: the message has code and reason
  virtual Result<WsMessage> receive(std::chrono::milliseconds timeout) = 0;
  /// Sends what is queued and the close, and waits for the server's answer, `timeout` at most; then cuts. Idempotent.
  virtual void close(std::uint16_t code, std::string_view reason, std::chrono::milliseconds timeout) = 0;
  /// The code that the server closed with; 1006 when it went without one; 0 while it is open.
  virtual std::uint16_t close_code() const = 0;
};

}  // namespace morgan::net
