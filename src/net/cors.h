// Pages of other hosts (CORS). Off: no page of another host may read an answer. A list of origins lets those in.
#pragma once

#include "net/http_types.h"

#include <span>
#include <string>
#include <string_view>

namespace morgan::net {

/// Whether the request comes from a page of one of `allowed`: "https://app.example" each, or "*".
bool is_allowed_origin(const Request& request, std::span<const std::string> allowed);

/// What lets such a page read the answer; none for any other.
Headers cors_headers(const Request& request, std::span<const std::string> allowed);

/// What its browser wants to know before it sends: none when it does not ask, or may not.
/// @param methods  of the address, "GET, POST, OPTIONS"
Headers preflight_headers(const Request& request, std::span<const std::string> allowed, std::string_view methods);

}  // namespace morgan::net
