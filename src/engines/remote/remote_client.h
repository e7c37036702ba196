// What all remote engines share: the upstream's address, its key, and its refusals as Errors. Private to
// this folder.
#pragma once

#include "base/json_util.h"
#include "base/stop.h"
#include "engines/engine_info.h"
#include "engines/remote/openai_engines.h"
#include "net/http_client.h"

#include <string>
#include <string_view>
#include <utility>

namespace morgan::engines {

/// @thread any
class RemoteClient {
 public:
  /// @error kInvalidArgument  base_url is not http(s)
  static Result<RemoteClient> create(const RemoteOptions& options);

  /// A request to base_url + path with the key and the time limits.
  net::ClientRequest request(net::Method method, std::string_view path) const;
  net::ClientRequest post_json(std::string_view path, const Json& body) const;

  /// Sends; tries once more when no connection could be made.
  /// @return any status   @error as net::http_request
  Result<net::ClientResponse> send(const net::ClientRequest& request, const StopToken& stop) const;
  /// As send(), and any status but 2xx is an Error.
  Result<net::ClientResponse> send_ok(const net::ClientRequest& request, const StopToken& stop) const;

  /// What a status that is not 2xx means to the caller, with the upstream's own words.
  Error refusal(const net::ClientResponse& response) const;
  /// The answer is not what the API promises. @param what "a transcription"
  Failure not_understood(std::string_view what) const;

  const RemoteOptions& options() const { return options_; }
  /// "host:port", without user name, key and path.
  const std::string& address() const { return address_; }
  EngineInfo info(std::string role) const;

 private:
  RemoteClient(RemoteOptions options, std::string address)
      : options_(std::move(options)), address_(std::move(address)) {}
  std::string without_key(std::string text) const;

  RemoteOptions options_;  // base_url without a slash at its end
  std::string address_;
};

/// The message inside an error body: {"error": {"message": ...}}, {"error": "..."}, {"detail": ...} or
/// {"message": ...}; "" when there is none.
std::string error_message_of(std::string_view body);

/// A field, or the fallback when it is absent or of another type: upstreams differ, and most fields are
/// not worth failing for.
double number_or(const Json& object, const char* name, double fallback);
std::string string_or(const Json& object, const char* name, std::string fallback);

}  // namespace morgan::engines
