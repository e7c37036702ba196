// A TCP listener for protocols that are not HTTP: bytes in, bytes out. Like Server it has one I/O thread for all of its
// connections; a connection's session is called there and must not block. What a protocol's bytes mean is the
// session's affair.
#pragma once

#include "base/result.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace morgan::net {

/// The client, as its session sees it. It may be kept, and used, when the client and the server have gone. @thread any
class TcpPeer {
 public:
  virtual ~TcpPeer() = default;
  /// Sends after what waits already; blocks while 256 KiB wait, so a client that reads slowly slows the sender.
  /// @error kCancelled  the client has gone, or the peer is closed   @thread any but the I/O thread
  virtual Result<void> write(std::string_view bytes) = 0;
  /// As write, but never blocks. @error kOverloaded  512 KiB wait, nothing was taken
  virtual Result<void> post(std::string_view bytes) = 0;
  /// Ends the connection after what waits; what the client still sends is read away.
  virtual void close() = 0;
  /// Lets a session whose on_bytes() answered false have bytes again; it may come before that answer.
  virtual void resume() = 0;
};

/// One client. Every call comes on the I/O thread, one at a time, and must not block.
class TcpSession {
 public:
  virtual ~TcpSession() = default;
  /// What came, in order. False: no more until TcpPeer::resume(); the socket is not read meanwhile.
  virtual bool on_bytes(std::string_view bytes) = 0;
  /// The client sends no more, but may still read. The session closes the peer when it has answered.
  virtual void on_end() = 0;
  /// The server will stop: finish, and close the peer.
  virtual void on_stopping() = 0;
  /// The client has gone, or close() has been carried out. The last call.
  virtual void on_gone() = 0;
  /// How many messages have come whole. A client from which none comes for idle_timeout is dropped, however many
  /// bytes of one it sends,
  virtual std::uint64_t messages() const = 0;
  /// unless it waits for an answer.
  virtual bool busy() const = 0;
};

using TcpSessionFactory = std::function<std::shared_ptr<TcpSession>(std::shared_ptr<TcpPeer>)>;

struct TcpServerOptions {
  std::string name;  ///< for logs: "wyoming"
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;             ///< 0: any free one, see port()
  std::size_t max_connections = 128;  ///< more are closed at once
  std::chrono::milliseconds idle_timeout{60'000};
  std::chrono::milliseconds write_timeout{30'000};  ///< a client that takes nothing for so long is dropped
};

class TcpServer {
 public:
  /// Binds and listens, and serves as soon as start() is called.
  /// @error kConflict  the port is in use   @error kUnavailable  other
  static Result<std::unique_ptr<TcpServer>> listen(TcpServerOptions options, TcpSessionFactory factory);
  virtual ~TcpServer() = default;

  virtual void start() = 0;
  virtual std::uint16_t port() const = 0;
  /// Stops accepting, lets sessions finish within `grace`, then cuts them and joins. Idempotent.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace morgan::net
