#include "net/loopback.h"

#include <boost/asio/ip/address.hpp>

namespace morgan::net {

bool is_loopback_host(const std::string& host) {
  boost::system::error_code not_an_address;
  const auto address = boost::asio::ip::make_address(host, not_an_address);
  return not_an_address ? host == "localhost" : address.is_loopback();
}

}  // namespace morgan::net
