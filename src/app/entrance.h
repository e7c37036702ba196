// What stands between the network and the services, as the configuration has it: the gate, TLS, and whose pages may
// ask.
#pragma once

#include "access/gate.h"
#include "app/app_config.h"
#include "base/result.h"
#include "net/tls_identity.h"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace morgan::app {

struct Entrance {
  std::unique_ptr<access::Gate> gate;
  std::shared_ptr<net::TlsIdentity> tls;     ///< null: in the clear; shared by the servers
  std::vector<std::string> allowed_origins;  ///< as net::ServerOptions'
};

/// @param serves_wyoming  whether this process has Wyoming's port
/// @error kInvalidArgument  others than this machine would be let in without a key, and nothing says that they may; an
/// origin, a certificate   @error kNotFound  a certificate that was named   @error kCorrupt, kUnavailable  the keys
Result<Entrance> open_entrance(const AppConfig& config, bool serves_wyoming);

/// Where Wyoming listens: its protocol has no keys, so it does not follow server.host to others by itself.
std::string wyoming_host(const AppConfig& config);

/// Certificate and key as the configuration names them, or where `morgan tls self-signed` puts them.
std::pair<std::filesystem::path, std::filesystem::path> tls_files(const TlsConfig& config);

}  // namespace morgan::app
