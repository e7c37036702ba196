// One WebSocket session with a thread of its own: the socket on the I/O thread, the handler on the session's, and
// between them a bounded inbox and a bounded outbox.
#pragma once

#include "net/ws_connection.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace morgan::net {

class WsThreadConnection final : public WsConnection, public WsPeer {
 public:
  /// @param handler  the router's; outlives every connection
  WsThreadConnection(ServerContext* context, Socket socket, Request request, const WsHandler* handler);
  ~WsThreadConnection() override;

  boost::asio::awaitable<int> run() override;
  void begin_stop() override;  ///< receive() fails from now on: the session finishes its turn and ends
  void fire_shutdown() override;

  Result<WsMessage> receive() override;
  Result<void> send(WsMessage message) override;
  void close(std::uint16_t code, std::string_view reason) override { outbox_->close(code, reason); }
  std::size_t unsent_bytes() const override { return outbox_->unsent_bytes(); }

 private:
  boost::asio::awaitable<void> read_messages();
  void session();
  void deliver(WsMessage message);
  void mark_gone(bool too_large);
  bool inbox_full();
  void lost(bool) override { mark_gone(false); }

  const WsHandler* const handler_;
  std::thread thread_;
  bool session_over_ = false;  // I/O thread

  std::mutex mutex_;  // guards everything below
  std::condition_variable arrived_;
  std::deque<WsMessage> inbox_;
  std::size_t inbox_bytes_ = 0;
  bool gone_ = false;
  bool too_large_ = false;  // to be told once
  bool stopping_ = false;
};

}  // namespace morgan::net
