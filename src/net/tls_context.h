// OpenSSL's settings for both ends of a connection. Private to net/.
#pragma once

#include "base/result.h"
#include "net/tls_identity.h"

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

namespace morgan::net {

using TlsContext = boost::asio::ssl::context;

/// The context for a new connection of a server. When a second has passed since the last look and the files have
/// changed, they are read again; what cannot be used is logged, and the one before stays.
std::shared_ptr<TlsContext> current_context(TlsIdentity& identity);

/// For clients: trusts the system's authorities and, when it is given, those of `ca_file`.
/// @error kNotFound, kInvalidArgument  ca_file
Result<std::shared_ptr<TlsContext>> client_context(const std::string& ca_file);

}  // namespace morgan::net
