#include "access/client_address.h"

#include "base/strings.h"
#include "net/host.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace morgan::access {

namespace {

/// "host:port" or "[::1]:port" without port and brackets.
std::string host_name(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t bracket = host.find(']');
    return std::string(host.substr(1, bracket == std::string_view::npos ? bracket : bracket - 1));
  }
  return to_lower_ascii(host.substr(0, host.find(':')));
}

}  // namespace

std::string network_of(const std::string& address) {
  in6_addr bytes{};
  if (::inet_pton(AF_INET6, address.c_str(), &bytes) != 1) return address;
  std::fill(std::begin(bytes.s6_addr) + 8, std::end(bytes.s6_addr), std::uint8_t{0});
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET6, &bytes, text.data(), text.size());
  return std::string(text.data()) + "/64";
}

bool is_first_hand(const net::Request& request) {
  constexpr std::array<std::string_view, 5> kOfProxies = {"Forwarded", "X-Forwarded-For", "X-Forwarded-Host",
                                                          "X-Real-IP", "Via"};
  return std::none_of(kOfProxies.begin(), kOfProxies.end(),
                      [&](std::string_view name) { return request.headers.find(name) != request.headers.end(); });
}

bool names_this_machine(std::string_view host) {
  static const std::string kOwn = to_lower_ascii(net::own_host_name());
  const std::string name = host_name(host);
  return name.empty() || name == "localhost" || name.ends_with(".localhost") || net::is_address(name) ||
         (!kOwn.empty() && (name == kOwn || name == kOwn + ".local"));
}

}  // namespace morgan::access
