// Binds a listening socket, and says what to do when that fails.
#pragma once

#include "base/result.h"

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <string>

namespace morgan::net {

/// @param host  an address or a name   @param port  0: any free one
/// @error kConflict  the port is in use (message says how to free it)   @error kUnavailable  other
Result<void> listen_on(boost::asio::ip::tcp::acceptor& acceptor, const std::string& host, std::uint16_t port);

}  // namespace morgan::net
