#include "net/tcp_connection.h"

#include "base/log.h"
#include "net/awaiting.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

namespace morgan::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t kReadSize = 16U << 10U;
constexpr std::size_t kWriteSize = 64U << 10U;
// After the last answer, how much of what the client still sends is read away, so that it gets to read that answer
// instead of a reset.
constexpr std::size_t kLingerLimit = 16U << 20U;
constexpr std::chrono::seconds kLingerTime{5};
constexpr std::chrono::milliseconds kLingerPause{1'000};

}  // namespace

TcpConnection::TcpConnection(TcpContext* context, tcp::socket socket)
    : context_(context),
      socket_(std::move(socket)),
      event_(socket_.get_executor()),
      idle_(socket_.get_executor()),
      deadline_(socket_.get_executor()) {
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  context_->counts.add_connection(1);
}

TcpConnection::~TcpConnection() {
  if (outbox_) outbox_->set_gone();
  context_->counts.add_connection(-1);
}

asio::awaitable<void> TcpConnection::serve() {
  outbox_ = std::make_shared<TcpOutbox>([weak = weak_from_this(), context = context_] {
    if (auto self = weak.lock()) asio::post(context->io, [self = std::move(self)] { self->on_outbox(); });
  });
  guarded([this] { session_ = context_->factory(outbox_); });
  if (!session_) outbox_->close();
  watch_departure();
  watch_idleness();
  co_await read_bytes();
  while (!over())
    co_await sleep();
  outbox_->set_gone();
  if (session_) guarded([this] { session_->on_gone(); });
  session_.reset();
  co_await linger();
}

asio::awaitable<void> TcpConnection::read_bytes() {
  const auto buffer = std::make_unique_for_overwrite<char[]>(kReadSize);
  while (!over() && !outbox_->closing()) {
    if (paused_) {
      co_await sleep();
      continue;
    }
    const auto done = co_await socket_.async_read_some(asio::buffer(buffer.get(), kReadSize), kTuple);
    if (over()) co_return;
    const error_code error = std::get<0>(done);
    if (error == asio::error::operation_aborted) continue;
    if (error && error != asio::error::eof) {
      gone_ = true;
      co_return;
    }
    if (error) {
      guarded([this] { session_->on_end(); });
      co_return;
    }
    const std::string_view bytes(buffer.get(), std::get<1>(done));
    guarded([&] { paused_ = !session_->on_bytes(bytes); });
  }
}

// The only writer.
void TcpConnection::pump() {
  if (writing_ || over()) return;
  TcpOutbox::Next next = outbox_->take(kWriteSize);
  if (next.bytes.empty()) {
    if (next.closing) {
      finished_ = true;
      error_code ignored;
      socket_.cancel(ignored);  // a read that waits
      event_.cancel();
    }
    return;
  }
  current_ = std::move(next.bytes);
  writing_ = true;
  cut_after(context_->options.write_timeout);
  asio::async_write(socket_, asio::buffer(current_), [self = shared_from_this()](error_code error, std::size_t) {
    self->writing_ = false;
    self->deadline_.cancel();
    self->outbox_->written(self->current_.size());
    self->current_.clear();
    if (error) self->cut();
    self->on_outbox();
  });
}

void TcpConnection::on_outbox() {
  if (outbox_->awake()) paused_ = false;
  pump();
  event_.cancel();
}

// A reset is noticed also while nothing is read, because the session has enough or the client has ended its half.
void TcpConnection::watch_departure() {
  socket_.async_wait(tcp::socket::wait_error, [self = shared_from_this()](error_code error) {
    if (error != asio::error::operation_aborted) self->cut();
  });
}

void TcpConnection::watch_idleness() {
  idle_.expires_after(context_->options.idle_timeout);
  idle_.async_wait([self = shared_from_this()](error_code error) {
    if (error || self->over() || !self->session_) return;
    const std::uint64_t came = self->session_->messages();
    const bool active = came != std::exchange(self->messages_, came) || self->session_->busy() || self->writing_;
    if (active) return self->watch_idleness();
    log::debug(self->context_->options.name, "a silent client is dropped");
    self->cut();
  });
}

asio::awaitable<void> TcpConnection::linger() {
  idle_.cancel();
  error_code ignored;
  if (gone_) {
    cut();
    co_return;
  }
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  const auto piece = std::make_unique_for_overwrite<char[]>(kReadSize);
  const auto until = std::chrono::steady_clock::now() + kLingerTime;
  for (std::size_t drained = 0; drained < kLingerLimit && std::chrono::steady_clock::now() < until;) {
    cut_after(kLingerPause);
    const auto done = co_await socket_.async_read_some(asio::buffer(piece.get(), kReadSize), kTuple);
    if (std::get<0>(done)) break;
    drained += std::get<1>(done);
  }
  cut();
}

asio::awaitable<void> TcpConnection::sleep() {
  event_.expires_at(std::chrono::steady_clock::time_point::max());
  const auto woken = co_await event_.async_wait(kTuple);
  static_cast<void>(woken);
}

// Runs a call into the session. One that throws ends the connection and nothing else.
template <typename Call>
void TcpConnection::guarded(Call&& call) {
  try {
    call();
    return;
  } catch (const std::exception& exception) {
    log::error(context_->options.name, "a session threw", {{"what", exception.what()}});
  } catch (...) {
    log::error(context_->options.name, "a session threw");
  }
  outbox_->close();
}

void TcpConnection::begin_stop() {
  if (session_) guarded([this] { session_->on_stopping(); });
}

void TcpConnection::cut_after(std::chrono::milliseconds limit) {
  deadline_.expires_after(limit);
  deadline_.async_wait([self = shared_from_this()](error_code error) {
    if (!error) self->cut();
  });
}

void TcpConnection::cut() {
  gone_ = true;
  error_code ignored;
  deadline_.cancel();
  idle_.cancel();
  event_.cancel();
  socket_.close(ignored);
}

}  // namespace morgan::net
