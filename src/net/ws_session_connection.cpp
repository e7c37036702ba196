#include "net/ws_session_connection.h"

#include "base/log.h"

namespace morgan::net {

namespace asio = boost::asio;

// Knows the outbox only, so it may be kept when the connection, and even the server, has gone.
class WsSessionPeer final : public WsPeer {
 public:
  explicit WsSessionPeer(std::shared_ptr<WsOutbox> outbox) : outbox_(std::move(outbox)) {}

  Result<WsMessage> receive() override {
    return fail(ErrorCode::kUnsupported, "the messages of this session come to WsSession::on_message");
  }
  Result<void> send(WsMessage message) override { return outbox_->push(std::move(message)); }
  void close(std::uint16_t code, std::string_view reason) override { outbox_->close(code, reason); }
  std::size_t unsent_bytes() const override { return outbox_->unsent_bytes(); }
  void resume() override {
    resumed_ = true;
    outbox_->wake();
  }

  /// Whether resume() was called since. @thread I/O
  bool take_resume() { return resumed_.exchange(false); }

 private:
  const std::shared_ptr<WsOutbox> outbox_;  // shared with the connection
  std::atomic<bool> resumed_{false};
};

WsSessionConnection::WsSessionConnection(ServerContext* context, Socket socket, Request request,
                                         const WsSessionFactory* factory)
    : WsConnection(context, std::move(socket), std::move(request)),
      factory_(factory),
      peer_(std::make_shared<WsSessionPeer>(outbox_)),
      stopping_(context->draining) {}

asio::awaitable<int> WsSessionConnection::run() {
  guarded([this] { session_ = (*factory_)(request_, peer_); });
  if (!session_) outbox_->close(kWsInternalError, "the session did not begin");
  if (session_ && stopping_) guarded([this] { session_->on_stopping(); });
  co_await read_messages();
  end_session();
  co_await linger();
  co_return 101;
}

asio::awaitable<void> WsSessionConnection::read_messages() {
  for (;;) {
    if (paused_ && !outbox_->closing()) {
      keep_silent_client(true);
      while (paused_ && !outbox_->closing())
        co_await sleep();
      keep_silent_client(false);
    }
    Arrived arrived = co_await read_message();
    if (!arrived.message) {
      if (arrived.too_large && session_) guarded([this] { session_->on_too_large(); });
      co_return;
    }
    // Read on after the close, for that is how the client's own close and its departure are noticed.
    if (session_ && !outbox_->closing()) deliver(std::move(*arrived.message));
  }
}

void WsSessionConnection::deliver(WsMessage message) {
  guarded([&] { paused_ = !session_->on_message(std::move(message)); });
}

void WsSessionConnection::end_session() {
  ended_ = true;
  stop_.request_stop(StopReason::kClientGone);
  outbox_->set_gone();
  if (session_) guarded([this] { session_->on_gone(); });
  session_.reset();
}

// Runs a call into the session. One that throws ends the session and nothing else.
template <typename Call>
void WsSessionConnection::guarded(Call&& call) {
  try {
    call();
    return;
  } catch (const std::exception& exception) {
    log::error(context_->options.name, "a session threw", {{"path", request_.path}, {"what", exception.what()}});
  } catch (...) {
    log::error(context_->options.name, "a session threw", {{"path", request_.path}});
  }
  outbox_->close(kWsInternalError, "the session failed");
}

void WsSessionConnection::on_outbox() {
  if (peer_->take_resume()) paused_ = false;
  wake();
  pump();
}

void WsSessionConnection::begin_stop() {
  if (std::exchange(stopping_, true)) return;
  if (session_) guarded([this] { session_->on_stopping(); });
}

void WsSessionConnection::fire_shutdown() {
  stop_.request_stop(StopReason::kShutdown);
  outbox_->close(kWsGoingAway, "the server is stopping");
}

}  // namespace morgan::net
