#include "net/cors.h"

#include "base/strings.h"

#include <algorithm>

namespace morgan::net {

namespace {

constexpr std::size_t kMaxAskedHeaders = 1000;  // characters

/// Names of headers with commas between them, and nothing else.
bool is_name_list(std::string_view text) {
  return text.size() <= kMaxAskedHeaders && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                  c == ',' || c == ' ';
         });
}

}  // namespace

bool is_allowed_origin(const Request& request, std::span<const std::string> allowed) {
  const std::string_view origin = request.header("Origin");
  if (origin.empty()) return false;
  return std::any_of(allowed.begin(), allowed.end(),
                     [&](const std::string& known) { return known == "*" || equals_ignore_case(known, origin); });
}

Headers cors_headers(const Request& request, std::span<const std::string> allowed) {
  if (allowed.empty()) return {};
  Headers headers{{"Vary", "Origin"}};
  if (!is_allowed_origin(request, allowed)) return headers;
  headers.emplace("Access-Control-Allow-Origin", request.header("Origin"));
  headers.emplace(
      "Access-Control-Expose-Headers",
      "X-Request-ID, X-Process-Time, X-Sample-Rate, X-Cache, Mcp-Session-Id, Retry-After, X-RateLimit-Limit, "
      "X-RateLimit-Remaining, X-RateLimit-Reset");
  return headers;
}

Headers preflight_headers(const Request& request, std::span<const std::string> allowed, std::string_view methods) {
  if (request.header("Access-Control-Request-Method").empty() || !is_allowed_origin(request, allowed)) return {};
  Headers headers{{"Access-Control-Allow-Methods", std::string(methods)}, {"Access-Control-Max-Age", "600"}};
  // There are no cookies to protect: a page that may call at all may send any header.
  const std::string_view asked = request.header("Access-Control-Request-Headers");
  if (!asked.empty() && is_name_list(asked)) headers.emplace("Access-Control-Allow-Headers", asked);
  return headers;
}

}  // namespace morgan::net
