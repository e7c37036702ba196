#include "net/listen_socket.h"

#include <fmt/format.h>

namespace morgan::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

Result<tcp::endpoint> resolve(const tcp::acceptor::executor_type& executor, const std::string& host,
                              std::uint16_t port) {
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (!error) return tcp::endpoint(address, port);
  const auto found = tcp::resolver(executor).resolve(host, std::to_string(port), tcp::resolver::passive, error);
  if (error || found.empty()) {
    return fail(ErrorCode::kUnavailable, fmt::format("the address '{}' to listen on is not known", host));
  }
  return found.begin()->endpoint();
}

Failure listen_failure(const error_code& error, const std::string& host, std::uint16_t port) {
  if (error == asio::error::address_in_use) {
    return fail(ErrorCode::kConflict,
                fmt::format("port {} is already in use; stop the program that holds it (ss -ltnp shows it) or set "
                            "another port",
                            port));
  }
  return fail(ErrorCode::kUnavailable, fmt::format("cannot listen on {}:{}: {}", host, port, error.message()));
}

}  // namespace

Result<void> listen_on(tcp::acceptor& acceptor, const std::string& host, std::uint16_t port) {
  MORGAN_TRY(const tcp::endpoint endpoint, resolve(acceptor.get_executor(), host, port));
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return listen_failure(error, host, port);
  return {};
}

}  // namespace morgan::net
