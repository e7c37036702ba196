// The first bytes of an answer: status line and headers.
#pragma once

#include "net/http_types.h"

#include <string>

namespace morgan::net {

/// How the end of the body is told.
enum class Framing : std::uint8_t {
  kLength,   ///< Content-Length
  kChunked,  ///< Transfer-Encoding: chunked
  kClose,    ///< the end of the connection (HTTP/1.0)
};

enum class Persistence : std::uint8_t { kKeepAlive, kKeepAliveTold, kClose };

/// Statuses that never have a body (RFC 9110, section 6.4.1).
bool has_no_body(int status);

/// A header whose name or value could end the line early is left out.
std::string response_head(const Response& response, Framing framing, Persistence persistence,
                          const std::string& request_id);

}  // namespace morgan::net
