#include "net/ws_connection.h"

#include "base/log.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/websocket.hpp>

#include <system_error>

namespace morgan::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxMessage = 1U << 20U;
constexpr std::size_t kMaxInbox = 4U << 20U;
constexpr std::size_t kMaxOutbox = 4U << 20U;
constexpr std::size_t kMessageOverhead = 64;  // so that empty messages count as well
constexpr std::size_t kMaxReason = 123;       // RFC 6455, section 5.5
constexpr std::chrono::seconds kHandshakeTime{10};
constexpr std::uint16_t kNormal = 1000;
constexpr std::uint16_t kGoingAway = 1001;
constexpr std::uint16_t kInternalError = 1011;

std::size_t cost(const WsMessage& message) {
  return message.data.size() + kMessageOverhead;
}

// Cuts at a character, for a close reason that is not UTF-8 is a protocol error.
std::string_view short_reason(std::string_view reason) {
  if (reason.size() <= kMaxReason) return reason;
  std::size_t size = kMaxReason;
  while (size > 0 && (static_cast<unsigned char>(reason[size]) & 0xC0U) == 0x80U)
    --size;
  return reason.substr(0, size);
}

}  // namespace

WsConnection::WsConnection(ServerContext* context, asio::ip::tcp::socket socket, Request request)
    : context_(context),
      ws_(std::move(socket)),
      event_(ws_.get_executor()),
      request_(std::move(request)),
      stopping_(context->draining) {
  request_.stop = stop_.token();
}

WsConnection::~WsConnection() {
  if (thread_.joinable()) thread_.join();
}

void WsConnection::configure() {
  websocket::stream_base::timeout timeout{};
  timeout.handshake_timeout = kHandshakeTime;
  timeout.idle_timeout = context_->options.idle_timeout;
  timeout.keep_alive_pings = true;
  ws_.set_option(timeout);
  ws_.set_option(websocket::stream_base::decorator([id = request_.request_id](websocket::response_type& response) {
    response.set(beast::http::field::server, "Morgan");  // Beast would add its own name and version
    response.set("X-Request-ID", id);
  }));
  ws_.read_message_max(kMaxMessage);
  ws_.auto_fragment(false);
}

asio::awaitable<int> WsConnection::run(const UpgradeRequest* head, const WsHandler* handler) {
  configure();
  const auto accepted = co_await ws_.async_accept(*head, kTuple);
  if (std::get<0>(accepted)) co_return 400;
  context_->counts.add_handler(1);
  try {
    thread_ = std::thread(&WsConnection::session, this, handler);
  } catch (const std::system_error& error) {
    log::error(context_->options.name, "no thread for a session", {{"what", error.what()}});
    context_->counts.add_handler(-1);
    co_return 503;
  }
  co_await read_messages();
  while (!session_over_)
    co_await sleep();
  thread_.join();
  // What the last write or close still holds must end before the socket is given up.
  cut();
  co_return 101;
}

asio::awaitable<void> WsConnection::read_messages() {
  for (;;) {
    while (inbox_full())
      co_await sleep();
    const auto done = co_await ws_.async_read(buffer_, kTuple);
    const error_code error = std::get<0>(done);
    if (error) {
      mark_gone(error == websocket::error::message_too_big);
      co_return;
    }
    deliver({ws_.got_binary(), beast::buffers_to_string(buffer_.data())});
    buffer_.consume(buffer_.size());
  }
}

asio::awaitable<void> WsConnection::sleep() {
  event_.expires_at(std::chrono::steady_clock::time_point::max());
  const auto woken = co_await event_.async_wait(kTuple);
  static_cast<void>(woken);
}

void WsConnection::session(const WsHandler* handler) {
  std::uint16_t code = kNormal;
  try {
    (*handler)(request_, *this);
  } catch (const std::exception& exception) {
    log::error(context_->options.name, "a session threw", {{"path", request_.path}, {"what", exception.what()}});
    code = kInternalError;
  } catch (...) {
    log::error(context_->options.name, "a session threw", {{"path", request_.path}});
    code = kInternalError;
  }
  {
    const std::lock_guard lock(mutex_);
    if (!closing_ && stopping_) closing_ = Closing{kGoingAway, "the server is stopping"};
    if (!closing_) closing_ = Closing{code, code == kNormal ? "" : "the session failed"};
  }
  ServerContext* const context = context_;
  asio::post(context->io, [self = shared_from_this()] {
    self->session_over_ = true;
    self->wake();
    self->pump();
  });
  context->counts.add_handler(-1);
}

void WsConnection::deliver(WsMessage message) {
  if (session_over_) return;
  const std::lock_guard lock(mutex_);
  inbox_bytes_ += cost(message);
  inbox_.push_back(std::move(message));
  arrived_.notify_all();
}

void WsConnection::mark_gone(bool too_large) {
  stop_.request_stop(StopReason::kClientGone);
  {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    too_large_ = too_large_ || too_large;
    outbox_.clear();
    arrived_.notify_all();
  }
  wake();
}

bool WsConnection::inbox_full() {
  if (session_over_) return false;
  const std::lock_guard lock(mutex_);
  return inbox_bytes_ >= kMaxInbox && !gone_;
}

Result<WsMessage> WsConnection::receive() {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [this] { return stopping_ || gone_ || !inbox_.empty(); });
  if (stopping_) return fail(ErrorCode::kUnavailable, "the server is stopping");
  if (!inbox_.empty()) {
    WsMessage message = std::move(inbox_.front());
    inbox_.pop_front();
    const bool was_full = inbox_bytes_ >= kMaxInbox;
    inbox_bytes_ -= cost(message);
    if (was_full) asio::post(context_->io, [self = shared_from_this()] { self->wake(); });
    return message;
  }
  if (std::exchange(too_large_, false)) return fail(ErrorCode::kTooLarge, "a message was larger than 1 MiB");
  return fail(ErrorCode::kUnavailable, "the client has gone");
}

Result<void> WsConnection::send(WsMessage message) {
  const std::lock_guard lock(mutex_);
  if (gone_ || closing_) return fail(ErrorCode::kUnavailable, "the client has gone");
  if (stop_.token().stop_requested()) return fail(ErrorCode::kUnavailable, "the server is stopping");
  if (outbox_bytes_ + cost(message) > kMaxOutbox) {
    return fail(ErrorCode::kOverloaded, "the client reads too slowly: 4 MiB wait for it");
  }
  outbox_bytes_ += cost(message);
  outbox_.push_back(std::move(message));
  post_pump();
  return {};
}

void WsConnection::close(std::uint16_t code, std::string_view reason) {
  const std::lock_guard lock(mutex_);
  if (gone_ || closing_) return;
  closing_ = Closing{code, std::string(short_reason(reason))};
  post_pump();
}

// With the mutex held.
void WsConnection::post_pump() {
  if (pump_posted_) return;
  pump_posted_ = true;
  asio::post(context_->io, [self = shared_from_this()] { self->pump(); });
}

// The only writer: one message or the close frame at a time.
void WsConnection::pump() {
  std::optional<Closing> closing;
  {
    const std::lock_guard lock(mutex_);
    pump_posted_ = false;
    if (writing_ || close_sent_ || gone_) return;
    if (!outbox_.empty()) {
      current_ = std::move(outbox_.front());
      outbox_.pop_front();
      writing_ = true;
    } else {
      closing = closing_;
    }
  }
  if (writing_) {
    ws_.binary(current_.binary);
    ws_.async_write(asio::buffer(current_.data), [self = shared_from_this()](error_code error, std::size_t) {
      self->writing_ = false;
      {
        const std::lock_guard lock(self->mutex_);
        self->outbox_bytes_ -= cost(self->current_);
      }
      if (error) self->mark_gone(false);
      self->pump();
    });
  } else if (closing) {
    close_sent_ = true;
    const beast::string_view reason(closing->reason.data(), closing->reason.size());
    ws_.async_close(websocket::close_reason(static_cast<websocket::close_code>(closing->code), reason),
                    [self = shared_from_this()](error_code) { self->mark_gone(false); });
  }
}

void WsConnection::begin_stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  arrived_.notify_all();
}

void WsConnection::fire_shutdown() {
  stop_.request_stop(StopReason::kShutdown);
  begin_stop();
}

void WsConnection::cut() {
  error_code ignored;
  ws_.next_layer().close(ignored);
}

void WsConnection::wake() {
  event_.cancel();
}

}  // namespace morgan::net
