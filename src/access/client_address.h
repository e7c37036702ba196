// What an address says of whoever asks from it.
#pragma once

#include "net/http_types.h"

#include <string>
#include <string_view>

namespace morgan::access {

/// Whose requests are counted together: an IPv4 address, or the /64 that a network gives to one customer.
std::string network_of(const std::string& address);

/// Whether the client itself sent it: a proxy on this machine passes others' requests on as its own, and says so.
bool is_first_hand(const net::Request& request);

/// Whether a Host header names this machine by an address, "localhost" or its own name. A page on the web can make its
/// own name point here, and then read what is answered: that name is in Host.
bool names_this_machine(std::string_view host);

}  // namespace morgan::access
