// WebSocket as services see it (server side).
#pragma once

#include "base/result.h"
#include "net/http_types.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace morgan::net {

struct WsMessage {
  bool binary = false;
  std::string data;
};

/// One client, as whoever serves it sees it: a WsHandler, which has a thread of its own (bounded in number by the
/// server) and calls receive(); or a WsSession, which is called.
class WsPeer {
 public:
  virtual ~WsPeer() = default;
  /// Next whole message, at most 1 MiB; blocks. @error kUnavailable  the peer has gone  @error kTooLarge
  /// @error kUnsupported  a WsSession gets its messages by on_message
  virtual Result<WsMessage> receive() = 0;
  /// Queues a message. @error kOverloaded  outbox full (4 MiB), nothing queued  @error kUnavailable  gone
  /// @thread any
  virtual Result<void> send(WsMessage message) = 0;
  /// Closes after what is queued; a client that does not take it within ServerOptions::write_timeout is cut off. Only
  /// the first close counts, and messages that come later are dropped. @thread any
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  /// Lets a WsSession whose on_message() answers false have messages again; it may come before that answer.
  /// @thread any
  virtual void resume() {}
  /// Bytes queued and not yet taken by the socket. @thread any
  virtual std::size_t unsent_bytes() const { return 0; }
};

using WsHandler = std::function<void(const Request&, WsPeer&)>;

/// One client without a thread of its own: thousands may be open. Every call comes on the connection's I/O
/// thread, one at a time, and must not block.
class WsSession {
 public:
  virtual ~WsSession() = default;
  /// A whole message, at most WsOptions::max_message. False: no more, until WsPeer::resume() is called; the socket is
  /// not read meanwhile, so a client that sends too fast waits, and its departure is not noticed.
  virtual bool on_message(WsMessage message) = 0;
  /// A message was larger than that and is lost; the connection will be closed with 1009.
  virtual void on_too_large() = 0;
  /// The server will stop: finish and call WsPeer::close() within its grace, else the connection is cut.
  virtual void on_stopping() = 0;
  /// The peer has gone, or close() has been carried out. The last call.
  virtual void on_gone() = 0;
};

/// Makes the session of a new client, on the I/O thread. The session may keep the peer for as long as it likes;
/// sending to one that has gone is an error and nothing else. Null: the client is refused, with what close() of the
/// peer was told.
using WsSessionFactory = std::function<std::shared_ptr<WsSession>(const Request&, std::shared_ptr<WsPeer>)>;

/// How the clients of one endpoint are let in.
struct WsOptions {
  std::size_t max_message = std::size_t{1} << 20U;  ///< bytes; a larger one closes with 1009
  RouteAccess access = {};
  /// Called on the I/O thread before the handshake is answered; must not block. Null: everybody may come in.
  /// @return the subprotocol to answer with, or ""; an error is answered as HTTP, without an upgrade
  std::function<Result<std::string>(const Request&)> accept;
};

}  // namespace morgan::net
