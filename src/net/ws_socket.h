// The server's socket under Beast's WebSocket stream.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/role.hpp>

#include <utility>

namespace morgan::net {

/// A TCP socket that Beast leaves open after the closing handshake. Its own way (Boost 1.81) is to close while the
/// client may still be sending, and the reset that follows overtakes the close frame: the client never learns why.
/// WsConnection::linger() closes it instead.
class WsSocket : public boost::asio::ip::tcp::socket {
 public:
  explicit WsSocket(boost::asio::ip::tcp::socket socket) : boost::asio::ip::tcp::socket(std::move(socket)) {}
};

/// What Beast calls at the end of the closing handshake.
template <typename Handler>
void async_teardown(boost::beast::role_type, WsSocket&, Handler&& handler) {
  boost::asio::post(boost::beast::bind_front_handler(std::forward<Handler>(handler), boost::system::error_code{}));
}

}  // namespace morgan::net
