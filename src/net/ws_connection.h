// The socket of one WebSocket session and its only writer, on the server's I/O thread. Derived classes say who takes
// the messages: a thread of the session's own (WsThreadConnection), or calls on the I/O thread (WsSessionConnection).
#pragma once

#include "net/http_types.h"
#include "net/server_context.h"
#include "net/socket.h"
#include "net/ws_outbox.h"
#include "net/ws_types.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <memory>

namespace morgan::net {

constexpr std::uint16_t kWsNormal = 1000;
constexpr std::uint16_t kWsGoingAway = 1001;
constexpr std::uint16_t kWsPolicyViolation = 1008;
constexpr std::uint16_t kWsInternalError = 1011;

// Shared by the HTTP connection that it came from, by what it posts and writes, and by the session's thread.
class WsConnection : public std::enable_shared_from_this<WsConnection> {
 public:
  using UpgradeRequest = boost::beast::http::request<boost::beast::http::buffer_body>;

  virtual ~WsConnection();
  WsConnection(const WsConnection&) = delete;
  WsConnection& operator=(const WsConnection&) = delete;

  /// Before accept(). @param protocol  to answer with, or ""
  void set_limits(std::size_t max_message, std::string protocol);
  /// Shakes hands. @param head  the caller's, until this is done   @return false when the client is not to be served
  boost::asio::awaitable<bool> accept(const UpgradeRequest* head);
  /// Runs the session to its end, and closes. @return the status for the observer
  virtual boost::asio::awaitable<int> run() = 0;

  virtual void begin_stop() = 0;     ///< the session is to finish
  virtual void fire_shutdown() = 0;  ///< interrupts the session
  void cut();                        ///< closes the socket
  const Request& request() const { return request_; }

 protected:
  using Stream = boost::beast::websocket::stream<Socket, false>;

  WsConnection(ServerContext* context, Socket socket, Request request);

  struct Arrived {
    std::optional<WsMessage> message;  // nothing: no more will come
    bool too_large = false;            // ... because the last one was
  };
  boost::asio::awaitable<Arrived> read_message();
  /// While this is so a client that says nothing, not even to pings, is kept; for when nothing is read.
  void keep_silent_client(bool keep);

  /// Until wake(). The caller looks at what it waits for.
  boost::asio::awaitable<void> sleep();
  void wake() { event_.cancel(); }

  /// Closes the socket when the client has, or soon; what it still sends is read away, so that it gets to read the
  /// close frame instead of a reset.
  boost::asio::awaitable<void> linger();

  /// Writes what the outbox has, one message or the close frame at a time.
  void pump();
  /// Nothing more will be written: the close has been carried out, or a write `failed`. I/O thread.
  virtual void lost(bool failed) = 0;
  /// The outbox was woken. I/O thread.
  virtual void on_outbox() { pump(); }

  ServerContext* const context_;  // the server's; outlives every connection
  Request request_;
  StopSource stop_;
  const std::shared_ptr<WsOutbox> outbox_;  // shared with the session's peer

 private:
  void post_wake();
  void watch_welcome();
  void begin_close(const WsOutbox::Closing& closing);
  void cut_after(std::chrono::milliseconds limit);
  void watch_write();

  boost::asio::cancellation_signal stop_reading_;  // these two: see cut()
  boost::asio::cancellation_signal stop_closing_;
  Stream ws_;
  std::size_t max_message_;
  std::string protocol_;  // of the handshake's answer, or ""
  boost::asio::steady_timer event_;
  boost::asio::steady_timer deadline_;  // of the close, and of what follows it
  boost::asio::steady_timer unread_;    // of the message that is being written
  boost::asio::steady_timer welcome_;   // when its caller is asked after again
  boost::beast::flat_buffer buffer_;
  WsMessage current_;  // the message being written
  bool writing_ = false;
  bool close_sent_ = false;
  bool close_timed_ = false;
};

}  // namespace morgan::net
