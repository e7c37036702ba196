// One WebSocket session without a thread: the connection calls it on the I/O thread, and it answers by a peer that may
// outlive the connection.
#pragma once

#include "net/ws_connection.h"

#include <atomic>

namespace morgan::net {

class WsSessionPeer;

class WsSessionConnection final : public WsConnection {
 public:
  /// @param factory  the router's; outlives every connection
  WsSessionConnection(ServerContext* context, Socket socket, Request request, const WsSessionFactory* factory);

  boost::asio::awaitable<int> run() override;
  void begin_stop() override;
  void fire_shutdown() override;

 private:
  boost::asio::awaitable<void> read_messages();
  void deliver(WsMessage message);
  template <typename Call>
  void guarded(Call&& call);
  void end_session();
  /// A read does not notice that a write failed: it has to be ended.
  void lost(bool failed) override {
    if (failed && !ended_) cut();
  }
  void on_outbox() override;

  const WsSessionFactory* const factory_;
  const std::shared_ptr<WsSessionPeer> peer_;  // shared with the session and whoever it gives it to
  std::shared_ptr<WsSession> session_;         // shared with whoever the factory gave it to
  bool ended_ = false;                         // nothing is read any more
  bool paused_ = false;                        // the session takes no messages
  bool stopping_ = false;                      // the session has been told, or will be when it begins
};

}  // namespace morgan::net
