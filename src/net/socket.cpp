#include "net/socket.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace morgan::net {

boost::asio::awaitable<void> Socket::end_sending() {
  if (auto* tls = std::get_if<std::unique_ptr<TlsStream>>(&stream_)) {
    const auto done = co_await (*tls)->async_shutdown(boost::asio::as_tuple(boost::asio::use_awaitable));
    static_cast<void>(done);  // who goes without a word has gone all the same
  }
  boost::system::error_code ignored;
  tcp().shutdown(boost::asio::socket_base::shutdown_send, ignored);
}

}  // namespace morgan::net
