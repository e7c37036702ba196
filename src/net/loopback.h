// Which addresses only this machine reaches.
#pragma once

#include <string>

namespace morgan::net {

/// @param host  as server.host: an address, or a name, of which only "localhost" is one of them
bool is_loopback_host(const std::string& host);

}  // namespace morgan::net
