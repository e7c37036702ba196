// What a machine is called.
#pragma once

#include <string>

namespace morgan::net {

/// An IPv4 or IPv6 address in digits, without brackets.
bool is_address(const std::string& host);

/// The name that this machine has given itself; "" when it has none.
std::string own_host_name();

}  // namespace morgan::net
