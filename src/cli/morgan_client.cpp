#include "cli/morgan_client.h"

#include "base/log.h"
#include "net/sse.h"

#include <fmt/format.h>

namespace morgan::cli {

namespace {

constexpr std::chrono::milliseconds kProbeTimeout{500};
constexpr std::size_t kKeptErrorBody = 64 * 1024;

ErrorCode code_of(int status) {
  switch (status) {
    case 400:
    case 415:
    case 422:
      return ErrorCode::kInvalidArgument;
    case 401:
    case 403:
      return ErrorCode::kUnauthorized;
    case 404:
      return ErrorCode::kNotFound;
    case 413:
      return ErrorCode::kTooLarge;
    case 429:
      return ErrorCode::kOverloaded;
    case 502:
    case 503:
    case 504:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kInternal;
  }
}

/// Events carry the code's own name, for their status was sent before the failure.
std::optional<ErrorCode> code_of(std::string_view word) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    if (to_string(code) == word) return code;
  }
  return std::nullopt;
}

}  // namespace

std::map<std::string, std::string> service_addresses(const app::ServerConfig& server, const std::string& wanted_host) {
  std::string host = wanted_host.empty() ? "127.0.0.1" : wanted_host;
  if (host.find("://") == std::string::npos) host.insert(0, "http://");
  std::map<std::string, std::string> addresses;
  for (const auto& [name, port] :
       {std::pair{"core", server.core_port}, std::pair{"llm", server.llm_port}, std::pair{"tts", server.tts_port},
        std::pair{"stt", server.stt_port}, std::pair{"vad", server.vad_port}})
    addresses[name] = fmt::format("{}:{}", host, port);
  return addresses;
}

std::optional<Error> trouble_at(const std::string& address, const std::string& ca_file) {
  net::ClientRequest request;
  request.url = address + "/ready";
  request.ca_file = ca_file;
  request.connect_timeout = kProbeTimeout;
  request.total_timeout = 4 * kProbeTimeout;
  const Result<net::ClientResponse> response = net::http_request(request);
  if (!response) return response.error();
  if (response->status == 200) return std::nullopt;
  return error_of(response->status, response->body);
}

Error error_of(int status, std::string_view body) {
  Error error{code_of(status), fmt::format("the server answered {}", status)};
  const Result<Json> json = parse_json(body);
  if (!json || !json->is_object()) return error;
  const Json& fields = json->contains("error") && (*json)["error"].is_object() ? (*json)["error"] : *json;
  if (const auto message = json_string(fields, "message"); message && *message) error.message = **message;
  if (const auto word = json_string(fields, "code"); word && *word) error.code = code_of(**word).value_or(error.code);
  return error;
}

Result<std::unique_ptr<MorganClient>> MorganClient::connect(const Context& context,
                                                            const std::set<std::string>& services) {
  MORGAN_TRY(app::AppConfig config, context.config());
  std::unique_ptr<MorganClient> client(new MorganClient());
  client->client_ = config.client;
  client->addresses_ = service_addresses(config.server, context.server);
  std::optional<Error> trouble;
  for (const std::string& name : services) {
    if (!trouble) trouble = trouble_at(client->addresses_.at(name), config.client.ca_file);
  }
  if (!trouble) return client;
  if (!context.server.empty()) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("no Morgan can be used at {} ({}); start one there with `morgan serve`", context.server,
                            trouble->message));
  }
  // Nothing runs: the command brings what it needs, quietly.
  if (config.log_level == "info") MORGAN_CHECK_OK(log::set_level("warn"));
  config.server.core_port = config.server.llm_port = config.server.tts_port = config.server.stt_port =
      config.server.vad_port = 0;
  config.wyoming.enabled = false;
  config.server.host = "127.0.0.1";
  // Nobody else is to use these, and they last for moments.
  config.access = {};
  config.access.audit = "off";
  config.tls.enabled = false;
  client->client_.api_key.clear();  // another Morgan's
  config.webhooks = {};             // their queue is the server's
  std::set<std::string> needed = services;
  // Core alone would look for its neighbours over HTTP.
  if (needed.contains("core")) needed.insert({"llm", "tts", "stt"});
  MORGAN_TRY(client->application_, app::Application::start(config, needed));
  client->addresses_ = client->application_->addresses();
  return client;
}

std::string MorganClient::address(const std::string& service) const {
  const auto found = addresses_.find(service);
  return found == addresses_.end() ? "" : found->second;
}

std::optional<std::string> MorganClient::user(const std::string& wanted) const {
  if (!wanted.empty()) return wanted;
  return client_.api_key.empty() ? std::optional<std::string>("cli") : std::nullopt;
}

Result<std::string> MorganClient::named_user(const std::string& wanted, const StopToken& stop) const {
  if (auto known = user(wanted)) return std::move(*known);
  net::ClientRequest request;
  request.url = address("core") + "/api/whoami";
  MORGAN_TRY(const net::ClientResponse response, send(std::move(request), stop));
  MORGAN_TRY(const Json who, parse_json_object(response.body));
  MORGAN_TRY(const auto name, json_string(who, "user_id"));
  return name.value_or("cli");  // an administrator's key speaks for anybody
}

net::Headers MorganClient::headers() const {
  if (client_.api_key.empty()) return {};
  return {{"Authorization", "Bearer " + client_.api_key}};
}

Result<net::ClientResponse> MorganClient::send(net::ClientRequest request, const StopToken& stop) const {
  request.stall_timeout = std::chrono::minutes(30);  // a long file is silent while it is transcribed
  request.max_body = 2'000'000'000;
  request.ca_file = client_.ca_file;
  request.headers.merge(headers());
  MORGAN_TRY(net::ClientResponse response, net::http_request(request, stop));
  if (response.status / 100 != 2) return fail(error_of(response.status, response.body));
  return response;
}

Result<void> MorganClient::stream(net::ClientRequest request,
                                  const std::function<bool(std::string_view, const Json&)>& on_event,
                                  const StopToken& stop) const {
  bool wanted = true;
  std::optional<Error> remote_error;
  net::SseParser parser([&](std::string_view event, std::string_view data) {
    const Result<Json> json = parse_json(data);
    if (!json || !wanted) return;
    if (event == "error") {
      remote_error = error_of(500, data);
      wanted = false;
      return;
    }
    wanted = on_event(event, *json);
  });
  std::string head;
  request.headers.emplace("Accept", "text/event-stream");
  request.on_body = [&](std::string_view bytes) {
    if (head.size() < kKeptErrorBody) head.append(bytes.substr(0, kKeptErrorBody - head.size()));
    parser.push(bytes);
    return wanted;
  };
  const Result<net::ClientResponse> response = send(std::move(request), stop);
  if (remote_error) return fail(*remote_error);
  if (!response && wanted) return fail(response.error());
  return {};
}

}  // namespace morgan::cli
