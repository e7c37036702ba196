#include "net/credentials.h"

#include "base/strings.h"

namespace morgan::net {

namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kKeyProtocol = "openai-insecure-api-key.";

}  // namespace

std::vector<std::string> offered_protocols(const Request& request) {
  std::vector<std::string> names;
  const auto [begin, end] = request.headers.equal_range("Sec-WebSocket-Protocol");
  for (auto header = begin; header != end; ++header) {
    for (const std::string& name : split(header->second, ','))
      names.emplace_back(trim(name));
  }
  return names;
}

std::string offered_key(const Request& request) {
  const std::string_view authorization = request.header("Authorization");
  if (equals_ignore_case(authorization.substr(0, kBearer.size()), kBearer)) {
    return std::string(trim(authorization.substr(kBearer.size())));
  }
  if (const std::string_view key = trim(request.header("X-API-Key")); !key.empty()) return std::string(key);
  for (const std::string& protocol : offered_protocols(request)) {
    if (protocol.starts_with(kKeyProtocol)) return protocol.substr(kKeyProtocol.size());
  }
  return {};
}

}  // namespace morgan::net
