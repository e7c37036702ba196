#include "net/ws_connection.h"
#include "net/awaiting.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/websocket.hpp>

namespace morgan::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

namespace {

constexpr std::size_t kMaxMessage = 1U << 20U;
constexpr std::size_t kKeptBuffer = 8U << 10U;  // a larger one goes back after its message
constexpr std::chrono::seconds kHandshakeTime{10};
constexpr std::size_t kLingerPiece = 16U << 10U;
constexpr std::size_t kLingerLimit = 64U << 20U;
constexpr std::chrono::seconds kLingerTime{10};
constexpr std::chrono::milliseconds kLingerPause{1'000};

}  // namespace

WsConnection::WsConnection(ServerContext* context, Socket socket, Request request)
    : context_(context),
      request_(std::move(request)),
      // Not called after the destructor, which waits for a call that is under way.
      outbox_(std::make_shared<WsOutbox>([this] { post_wake(); })),
      ws_(std::move(socket)),
      max_message_(kMaxMessage),
      event_(ws_.get_executor()),
      deadline_(ws_.get_executor()),
      unread_(ws_.get_executor()),
      welcome_(ws_.get_executor()) {
  request_.stop = stop_.token();
}

WsConnection::~WsConnection() {
  outbox_->set_gone();
}

void WsConnection::keep_silent_client(bool keep) {
  websocket::stream_base::timeout timeout{};
  timeout.handshake_timeout = kHandshakeTime;
  timeout.idle_timeout = websocket::stream_base::none();
  if (!keep) timeout.idle_timeout = context_->options.idle_timeout;
  timeout.keep_alive_pings = true;
  ws_.set_option(timeout);
}

void WsConnection::set_limits(std::size_t max_message, std::string protocol) {
  max_message_ = max_message;
  protocol_ = std::move(protocol);
}

asio::awaitable<bool> WsConnection::accept(const UpgradeRequest* head) {
  keep_silent_client(false);
  ws_.set_option(websocket::stream_base::decorator(
      [id = request_.request_id, protocol = protocol_](websocket::response_type& response) {
        response.set(beast::http::field::server, "Morgan");  // Beast would add its own name and version
        response.set("X-Request-ID", id);
        if (!protocol.empty()) response.set(beast::http::field::sec_websocket_protocol, protocol);
      }));
  ws_.read_message_max(max_message_);
  ws_.auto_fragment(false);
  const auto accepted = co_await ws_.async_accept(*head, kTuple);
  if (std::get<0>(accepted)) co_return false;
  // Who showed no key has none that could be revoked.
  if (context_->options.still_welcome && request_.caller && !request_.caller->key.empty()) watch_welcome();
  co_return true;
}

void WsConnection::watch_welcome() {
  welcome_.expires_after(context_->options.welcome_check);
  welcome_.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (error || !self || self->outbox_->closing()) return;
    if (self->context_->options.still_welcome(*self->request_.caller)) return self->watch_welcome();
    self->outbox_->close(kWsPolicyViolation, "the API key counts no longer");
  });
}

asio::awaitable<WsConnection::Arrived> WsConnection::read_message() {
  const auto done = co_await ws_.async_read(buffer_, asio::bind_cancellation_slot(stop_reading_.slot(), kTuple));
  const error_code error = std::get<0>(done);
  Arrived arrived;
  arrived.too_large = error == websocket::error::message_too_big;
  if (!error) arrived.message = WsMessage{ws_.got_binary(), beast::buffers_to_string(buffer_.data())};
  buffer_.consume(buffer_.size());
  if (buffer_.capacity() > kKeptBuffer) buffer_.shrink_to_fit();
  co_return arrived;
}

asio::awaitable<void> WsConnection::sleep() {
  event_.expires_at(std::chrono::steady_clock::time_point::max());
  const auto woken = co_await event_.async_wait(kTuple);
  static_cast<void>(woken);
}

void WsConnection::post_wake() {
  auto self = weak_from_this().lock();
  if (!self) return;
  asio::post(context_->io, [self = std::move(self)] {
    self->outbox_->awake();
    self->on_outbox();
  });
}

// The only writer: one message or the close frame at a time.
void WsConnection::pump() {
  // A client that does not read must not keep the close waiting behind what was queued.
  if (!close_timed_ && outbox_->closing()) {
    close_timed_ = true;
    cut_after(context_->options.write_timeout);
  }
  if (writing_ || close_sent_) return;
  WsOutbox::Next next = outbox_->next();
  if (next.closing) begin_close(*next.closing);
  if (!next.message) return;
  current_ = std::move(*next.message);
  writing_ = true;
  watch_write();
  ws_.binary(current_.binary);
  ws_.async_write(asio::buffer(current_.data), [self = shared_from_this()](error_code error, std::size_t) {
    self->writing_ = false;
    self->unread_.cancel();
    self->outbox_->written(ws_cost(self->current_));
    self->current_ = {};
    if (error) self->lost(true);
    self->pump();
  });
}

// Beast reads no further than a ping that it cannot answer, and it cannot while this message is in its way: who pings
// and does not read would otherwise be noticed by nobody.
void WsConnection::watch_write() {
  constexpr std::size_t kSlowest = 16U << 10U;  // bytes a second of a message that is long in the taking
  unread_.expires_after(context_->options.write_timeout + std::chrono::seconds(current_.data.size() / kSlowest));
  unread_.async_wait([weak = weak_from_this()](error_code error) {
    if (error) return;
    if (const auto self = weak.lock()) self->cut();
  });
}

void WsConnection::begin_close(const WsOutbox::Closing& closing) {
  close_sent_ = true;
  const beast::string_view reason(closing.reason.data(), closing.reason.size());
  ws_.async_close(websocket::close_reason(static_cast<websocket::close_code>(closing.code), reason),
                  asio::bind_cancellation_slot(stop_closing_.slot(), [self = shared_from_this()](error_code error) {
                    self->lost(bool(error));
                  }));
}

asio::awaitable<void> WsConnection::linger() {
  cut_after(kLingerPause);
  co_await ws_.next_layer().end_sending();
  const auto piece = std::make_unique_for_overwrite<char[]>(kLingerPiece);
  const auto until = std::chrono::steady_clock::now() + kLingerTime;
  for (std::size_t drained = 0; drained < kLingerLimit && std::chrono::steady_clock::now() < until;) {
    cut_after(kLingerPause);
    const auto done = co_await ws_.next_layer().tcp().async_read_some(asio::buffer(piece.get(), kLingerPiece), kTuple);
    if (std::get<0>(done)) break;
    drained += std::get<1>(done);
  }
  cut();
}

void WsConnection::cut_after(std::chrono::milliseconds limit) {
  deadline_.expires_after(limit);
  deadline_.async_wait([self = shared_from_this()](error_code error) {
    if (!error) self->cut();
  });
}

// Beast's close and its read may wait for each other and for nothing else (Boost 1.81: a frame that is no frame arrives
// while the close is being written), so the end of the socket alone would not end them, nor the session.
void WsConnection::cut() {
  deadline_.cancel();
  ws_.next_layer().close();
  asio::post(context_->io, [self = shared_from_this()] {
    self->stop_closing_.emit(asio::cancellation_type::terminal);
    self->stop_reading_.emit(asio::cancellation_type::terminal);
  });
}

}  // namespace morgan::net
