// The key that a client shows, however it can: a header, or for browsers' WebSockets, which can set none, one of the
// subprotocols that they offer.
#pragma once

#include "net/http_types.h"

#include <string>
#include <string_view>
#include <vector>

namespace morgan::net {

/// The names in Sec-WebSocket-Protocol.
std::vector<std::string> offered_protocols(const Request& request);

/// Of "Authorization: Bearer KEY", "X-API-Key: KEY", or a subprotocol "openai-insecure-api-key.KEY"; "" when there is
/// none. The first of these counts.
std::string offered_key(const Request& request);

/// Of the form of a short-lived secret that stands for a key (RouteAccess::takes_client_secret), as OpenAI's are.
inline constexpr std::string_view kClientSecretPrefix = "ek_";
inline bool is_client_secret(std::string_view key) {
  return key.starts_with(kClientSecretPrefix);
}

}  // namespace morgan::net
