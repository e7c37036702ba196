#include "access/client_address.h"

#include "base/strings.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>

namespace morgan::access {

namespace {

bool is_address(const std::string& text) {
  in6_addr bytes{};
  return ::inet_pton(AF_INET, text.c_str(), &bytes) == 1 || ::inet_pton(AF_INET6, text.c_str(), &bytes) == 1;
}

/// "host:port" or "[::1]:port" without port and brackets.
std::string host_name(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t bracket = host.find(']');
    return std::string(host.substr(1, bracket == std::string_view::npos ? bracket : bracket - 1));
  }
  return to_lower_ascii(host.substr(0, host.find(':')));
}

std::string own_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  return to_lower_ascii(name.data());
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
  static const std::string kOwn = own_name();
  const std::string name = host_name(host);
  return name.empty() || name == "localhost" || name.ends_with(".localhost") || is_address(name) ||
         (!kOwn.empty() && (name == kOwn || name == kOwn + ".local"));
}

}  // namespace morgan::access
