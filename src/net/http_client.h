// Blocking HTTP client over libcurl, for remote engines, the CLI and model downloads.
#pragma once

#include "base/result.h"
#include "base/stop.h"
#include "net/http_types.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace morgan::net {

struct FormField {
  std::string name;
  std::string data;
  std::string filename;  ///< non-empty: sent as a file
  std::string content_type;
};

struct ClientRequest {
  Method method = Method::kGet;
  std::string url;
  Headers headers;
  std::string body;
  std::vector<FormField> form;  ///< non-empty: multipart, `body` is ignored
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds stall_timeout{30'000};  ///< no byte for so long: given up
  std::chrono::milliseconds total_timeout{0};       ///< 0: none
  std::uint64_t max_body = 64'000'000;
  std::string ca_file = {};  ///< PEM: whom to trust over https, beside the system's authorities
  /// When set, a 2xx body goes here as it arrives instead of into ClientResponse::body; false stops.
  std::function<bool(std::string_view)> on_body;
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

/// @return any status, also 4xx and 5xx
/// @error kUnavailable  no connection, name not known, cut off, a certificate that is not trusted (message says which)
/// @error kDeadlineExceeded   @error kCancelled   @error kTooLarge
/// @thread any; connections are reused per thread
Result<ClientResponse> http_request(const ClientRequest& request, const StopToken& stop = {});

/// "host:port" of a URL, for logs: its user name, password, path and query may be secrets. "" when it is malformed.
std::string place_of(const std::string& url);

/// Percent-encodes one path or query component.
std::string url_encode(std::string_view text);

}  // namespace morgan::net
