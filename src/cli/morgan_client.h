// How the CLI reaches Morgan: the server that runs here or at --server; when none does, the services
// that a command needs are started in this process, on free ports, for as long as the command lasts.
#pragma once

#include "app/application.h"
#include "base/json_util.h"
#include "base/result.h"
#include "cli/command.h"
#include "net/http_client.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace morgan::cli {

class MorganClient {
 public:
  /// @param services what the command will call
  /// @error kUnavailable  --server given and nothing answers there; or as Application::start
  static Result<std::unique_ptr<MorganClient>> connect(const Context& context, const std::set<std::string>& services);

  /// "http://127.0.0.1:8003" of "stt".
  std::string address(const std::string& service) const;
  bool in_process() const { return application_ != nullptr; }
  /// What every request carries: the key of client.api_key, if there is one.
  net::Headers headers() const;
  /// Whose conversation a command is about: `wanted`, else "cli"; nullopt with a key, whose own user it is then.
  std::optional<std::string> user(const std::string& wanted) const;
  /// The same for a path, which needs a name: the key's user is asked for.
  Result<std::string> named_user(const std::string& wanted, const StopToken& stop) const;
  /// client.ca_file
  const std::string& ca_file() const { return client_.ca_file; }

  /// Sends a request; an answer that is not 2xx becomes an Error with the server's own message.
  Result<net::ClientResponse> send(net::ClientRequest request, const StopToken& stop) const;

  /// Sends a request that is answered by server-sent events.
  /// @param on_event false stops
  Result<void> stream(net::ClientRequest request,
                      const std::function<bool(std::string_view event, const Json& data)>& on_event,
                      const StopToken& stop) const;

 private:
  app::ClientConfig client_;
  std::unique_ptr<app::Application> application_;
  std::map<std::string, std::string> addresses_;
};

/// Service to its configured port.
std::map<std::string, std::string> service_addresses(const app::ServerConfig& server, const std::string& wanted_host);
/// Whether GET /ready there answers 200, within 2 s. @param address as MorganClient::address
std::optional<Error> trouble_at(const std::string& address, const std::string& ca_file);

/// The answer of a server as an Error: its message in any of the forms that Morgan speaks.
Error error_of(int status, std::string_view body);

}  // namespace morgan::cli
