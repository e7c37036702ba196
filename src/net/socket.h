// A TCP connection, in the clear or under TLS: which one is decided when it begins, and nothing that reads or writes
// has to know. Meets Asio's and Beast's AsyncStream. Private to net/.
#pragma once

#include "net/tls_context.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/websocket/teardown.hpp>

#include <memory>
#include <utility>
#include <variant>

namespace morgan::net {

/// @thread one, that of its executor
class Socket {
 public:
  using executor_type = boost::asio::ip::tcp::socket::executor_type;
  using TlsStream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;

  explicit Socket(boost::asio::ip::tcp::socket socket) : stream_(std::move(socket)) {}
  explicit Socket(boost::asio::io_context& io) : stream_(boost::asio::ip::tcp::socket(io)) {}

  /// From now on all goes through TLS; a handshake by tls() comes first.
  TlsStream& begin_tls(TlsContext& context) {
    auto stream = std::make_unique<TlsStream>(std::move(tcp()), context);
    return *stream_.emplace<std::unique_ptr<TlsStream>>(std::move(stream));
  }
  bool is_tls() const { return std::holds_alternative<std::unique_ptr<TlsStream>>(stream_); }

  boost::asio::ip::tcp::socket& tcp() {
    if (auto* tls = std::get_if<std::unique_ptr<TlsStream>>(&stream_)) return (*tls)->next_layer();
    return std::get<boost::asio::ip::tcp::socket>(stream_);
  }
  executor_type get_executor() { return tcp().get_executor(); }

  void cancel() {
    boost::system::error_code ignored;
    tcp().cancel(ignored);
  }
  void close() {
    boost::system::error_code ignored;
    tcp().close(ignored);
  }
  /// The other side reads the end, and nothing is sent any more. Under TLS it waits for the other's own end: the caller
  /// sets a limit, and what arrives afterwards is for tcp() to read away.
  boost::asio::awaitable<void> end_sending();

  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, const Buffers& into) {
          if (auto* tls = std::get_if<std::unique_ptr<TlsStream>>(&stream_)) {
            (*tls)->async_read_some(into, std::move(handler));
          } else {
            std::get<boost::asio::ip::tcp::socket>(stream_).async_read_some(into, std::move(handler));
          }
        },
        token, buffers);
  }

  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, const Buffers& from) {
          if (auto* tls = std::get_if<std::unique_ptr<TlsStream>>(&stream_)) {
            (*tls)->async_write_some(from, std::move(handler));
          } else {
            std::get<boost::asio::ip::tcp::socket>(stream_).async_write_some(from, std::move(handler));
          }
        },
        token, buffers);
  }

 private:
  std::variant<boost::asio::ip::tcp::socket, std::unique_ptr<TlsStream>> stream_;
};

/// What Beast calls when a WebSocket's time is over.
inline void beast_close_socket(Socket& socket) {
  socket.close();
}

/// What Beast calls at the end of the closing handshake. Its own way (Boost 1.81) is that a server closes while the
/// client may still be sending, and the reset that follows overtakes the close frame: the client never learns why.
/// WsConnection::linger() closes instead.
template <typename Handler>
void async_teardown(boost::beast::role_type role, Socket& socket, Handler&& handler) {
  if (role == boost::beast::role_type::client && !socket.is_tls()) {
    boost::beast::websocket::async_teardown(role, socket.tcp(), std::forward<Handler>(handler));
    return;
  }
  boost::asio::post(socket.get_executor(),
                    boost::beast::bind_front_handler(std::forward<Handler>(handler), boost::system::error_code{}));
}

}  // namespace morgan::net
