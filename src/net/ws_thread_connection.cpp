#include "net/ws_thread_connection.h"

#include "base/log.h"

#include <boost/asio/post.hpp>

#include <system_error>

namespace morgan::net {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMaxInbox = 4U << 20U;

}  // namespace

WsThreadConnection::WsThreadConnection(ServerContext* context, Socket socket, Request request, const WsHandler* handler)
    : WsConnection(context, std::move(socket), std::move(request)), handler_(handler), stopping_(context->draining) {}

WsThreadConnection::~WsThreadConnection() {
  if (thread_.joinable()) thread_.join();
}

asio::awaitable<int> WsThreadConnection::run() {
  context_->counts.add_handler(1);
  try {
    thread_ = std::thread(&WsThreadConnection::session, this);
  } catch (const std::system_error& error) {
    log::error(context_->options.name, "no thread for a session", {{"what", error.what()}});
    context_->counts.add_handler(-1);
    co_return 503;
  }
  co_await read_messages();
  while (!session_over_)
    co_await sleep();
  thread_.join();
  co_await linger();
  co_return 101;
}

asio::awaitable<void> WsThreadConnection::read_messages() {
  for (;;) {
    if (inbox_full()) {
      keep_silent_client(true);
      while (inbox_full())
        co_await sleep();
      keep_silent_client(false);
    }
    Arrived arrived = co_await read_message();
    if (!arrived.message) {
      mark_gone(arrived.too_large);
      co_return;
    }
    deliver(std::move(*arrived.message));
  }
}

void WsThreadConnection::session() {
  std::uint16_t code = kWsNormal;
  try {
    (*handler_)(request_, *this);
  } catch (const std::exception& exception) {
    log::error(context_->options.name, "a session threw", {{"path", request_.path}, {"what", exception.what()}});
    code = kWsInternalError;
  } catch (...) {
    log::error(context_->options.name, "a session threw", {{"path", request_.path}});
    code = kWsInternalError;
  }
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    stopping = stopping_;
  }
  // The first close counts: the session's own, if it closed.
  if (stopping) outbox_->close(kWsGoingAway, "the server is stopping");
  outbox_->close(code, code == kWsNormal ? "" : "the session failed");
  ServerContext* const context = context_;
  asio::post(context->io, [self = std::static_pointer_cast<WsThreadConnection>(shared_from_this())] {
    self->session_over_ = true;
    self->wake();
    self->pump();
  });
  context->counts.add_handler(-1);
}

void WsThreadConnection::deliver(WsMessage message) {
  if (session_over_) return;
  const std::lock_guard lock(mutex_);
  inbox_bytes_ += ws_cost(message);
  inbox_.push_back(std::move(message));
  arrived_.notify_all();
}

void WsThreadConnection::mark_gone(bool too_large) {
  stop_.request_stop(StopReason::kClientGone);
  outbox_->set_gone();
  {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    too_large_ = too_large_ || too_large;
    arrived_.notify_all();
  }
  wake();
}

bool WsThreadConnection::inbox_full() {
  if (session_over_) return false;
  const std::lock_guard lock(mutex_);
  return inbox_bytes_ >= kMaxInbox && !gone_;
}

Result<WsMessage> WsThreadConnection::receive() {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [this] { return stopping_ || gone_ || !inbox_.empty(); });
  if (stopping_) return fail(ErrorCode::kUnavailable, "the server is stopping");
  if (!inbox_.empty()) {
    WsMessage message = std::move(inbox_.front());
    inbox_.pop_front();
    const bool was_full = inbox_bytes_ >= kMaxInbox;
    inbox_bytes_ -= ws_cost(message);
    if (was_full) {
      asio::post(context_->io,
                 [self = std::static_pointer_cast<WsThreadConnection>(shared_from_this())] { self->wake(); });
    }
    return message;
  }
  if (std::exchange(too_large_, false)) return fail(ErrorCode::kTooLarge, "a message was larger than 1 MiB");
  return fail(ErrorCode::kUnavailable, "the client has gone");
}

Result<void> WsThreadConnection::send(WsMessage message) {
  if (stop_.token().reason() == StopReason::kShutdown) return fail(ErrorCode::kUnavailable, "the server is stopping");
  return outbox_->push(std::move(message));
}

void WsThreadConnection::begin_stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  arrived_.notify_all();
}

void WsThreadConnection::fire_shutdown() {
  stop_.request_stop(StopReason::kShutdown);
  begin_stop();
}

}  // namespace morgan::net
