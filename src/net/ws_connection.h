// One WebSocket session: the socket on the I/O thread, the handler on a thread of its own, and between
// them a bounded inbox and a bounded outbox.
#pragma once

#include "net/http_guard.h"
#include "net/http_types.h"
#include "net/server_context.h"
#include "net/ws_types.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

namespace morgan::net {

// The connection's coroutine and the session's thread share it.
class WsConnection final : public WsPeer, public std::enable_shared_from_this<WsConnection> {
 public:
  using UpgradeRequest = boost::beast::http::request<boost::beast::http::buffer_body>;

  WsConnection(ServerContext* context, boost::asio::ip::tcp::socket socket, Request request);
  ~WsConnection() override;

  /// Shakes hands, runs the session to its end and closes. @return the status for the observer
  boost::asio::awaitable<int> run(const UpgradeRequest* head, const WsHandler* handler);

  void begin_stop();     ///< receive() fails from now on: the session finishes its turn and ends
  void fire_shutdown();  ///< interrupts the session
  void cut();            ///< closes the socket
  const Request& request() const { return request_; }

  Result<WsMessage> receive() override;
  Result<void> send(WsMessage message) override;
  void close(std::uint16_t code, std::string_view reason) override;

 private:
  struct Closing {
    std::uint16_t code = 1000;
    std::string reason;
  };

  void configure();
  boost::asio::awaitable<void> read_messages();
  boost::asio::awaitable<void> sleep();
  void session(const WsHandler* handler);
  void deliver(WsMessage message);
  void mark_gone(bool too_large);
  bool inbox_full();
  void wake();
  void pump();
  void post_pump();

  ServerContext* context_;  // the server's; outlives every session
  boost::beast::websocket::stream<boost::asio::ip::tcp::socket> ws_;
  boost::asio::steady_timer event_;
  Request request_;
  StopSource stop_;
  std::thread thread_;

  // I/O thread only.
  boost::beast::flat_buffer buffer_;
  WsMessage current_;  // the message being written
  bool writing_ = false;
  bool close_sent_ = false;
  bool session_over_ = false;

  std::mutex mutex_;  // guards everything below
  std::condition_variable arrived_;
  std::deque<WsMessage> inbox_;
  std::size_t inbox_bytes_ = 0;
  std::deque<WsMessage> outbox_;
  std::size_t outbox_bytes_ = 0;  // what is being written counts too
  std::optional<Closing> closing_;
  bool pump_posted_ = false;
  bool gone_ = false;
  bool too_large_ = false;  // to be told once
  bool stopping_ = false;
};

}  // namespace morgan::net
