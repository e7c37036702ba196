#include "engines/remote/remote_client.h"

#include "base/strings.h"

#include <chrono>
#include <thread>
#include <utility>

namespace morgan::engines {

namespace {

constexpr std::size_t kMaxMessageBytes = 300;
/// An upstream that is just restarting refuses connections for about so long.
constexpr std::chrono::milliseconds kRetryPause{200};
constexpr std::chrono::milliseconds kStopCheck{20};

/// "[user@]host[:port]" to "host:port".
std::string address_of(std::string_view authority, bool secure) {
  const std::size_t at = authority.rfind('@');
  if (at != std::string_view::npos) authority.remove_prefix(at + 1);
  std::string address(authority);
  const std::size_t colon = address.rfind(':');
  const bool has_port = colon != std::string::npos && address.find(']', colon) == std::string::npos;
  if (!has_port && !address.empty()) address += secure ? ":443" : ":80";
  return address;
}

bool could_not_connect(const Error& error) {
  return error.code == ErrorCode::kUnavailable && error.message.starts_with("cannot connect");
}

/// @return false: stopped meanwhile
bool pause_before_retry(const StopToken& stop) {
  const auto end = std::chrono::steady_clock::now() + kRetryPause;
  while (std::chrono::steady_clock::now() < end) {
    if (stop.stop_requested()) return false;
    std::this_thread::sleep_for(kStopCheck);
  }
  return true;
}

/// Cut at a character's border, so that it stays UTF-8.
std::string shortened(std::string text) {
  if (text.size() <= kMaxMessageBytes) return text;
  std::size_t end = kMaxMessageBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  return text.substr(0, end) + "...";
}

ErrorCode code_of(int status) {
  switch (status) {
    case 401:
    case 403:
      return ErrorCode::kUnauthorized;
    case 404:
      return ErrorCode::kNotFound;
    case 408:
      return ErrorCode::kDeadlineExceeded;
    case 413:
      return ErrorCode::kTooLarge;
    case 405:
    case 415:
    case 501:
      return ErrorCode::kUnsupported;
    case 429:
      return ErrorCode::kOverloaded;
    default:
      return status >= 400 && status < 500 ? ErrorCode::kInvalidArgument : ErrorCode::kUnavailable;
  }
}

}  // namespace

Result<RemoteClient> RemoteClient::create(const RemoteOptions& options) {
  RemoteOptions checked = options;
  while (checked.base_url.ends_with('/'))
    checked.base_url.pop_back();
  const std::string lower = to_lower_ascii(checked.base_url);
  const bool secure = lower.starts_with("https://");
  if (!secure && !lower.starts_with("http://")) {
    return fail({ErrorCode::kInvalidArgument,
                 "the upstream's base_url must begin with http:// or https://, as http://127.0.0.1:11434/v1", "",
                 "base_url"});
  }
  std::string_view rest = std::string_view(checked.base_url).substr(secure ? 8 : 7);
  std::string address = address_of(rest.substr(0, rest.find_first_of("/?#")), secure);
  if (address.empty() || address.front() == ':' || checked.base_url.find_first_of(" \t\r\n") != std::string::npos) {
    return fail({ErrorCode::kInvalidArgument, "the upstream's base_url names no host", "", "base_url"});
  }
  return RemoteClient(std::move(checked), std::move(address));
}

net::ClientRequest RemoteClient::request(net::Method method, std::string_view path) const {
  net::ClientRequest request;
  request.method = method;
  request.url = options_.base_url + std::string(path);
  request.connect_timeout = options_.connect_timeout;
  request.stall_timeout = options_.stall_timeout;
  request.ca_file = options_.ca_file;
  if (!options_.api_key.empty()) request.headers.emplace("Authorization", "Bearer " + options_.api_key);
  return request;
}

net::ClientRequest RemoteClient::post_json(std::string_view path, const Json& body) const {
  net::ClientRequest post = request(net::Method::kPost, path);
  post.headers.emplace("Content-Type", "application/json");
  post.body = dump_json(body);
  return post;
}

Result<net::ClientResponse> RemoteClient::send(const net::ClientRequest& request, const StopToken& stop) const {
  auto response = net::http_request(request, stop);
  if (!response && could_not_connect(response.error()) && pause_before_retry(stop)) {
    response = net::http_request(request, stop);
  }
  if (response || response.error().code != ErrorCode::kUnavailable) return response;
  return fail(ErrorCode::kUnavailable,
              "the upstream " + address_ + " is not available: " + without_key(response.error().message));
}

Result<net::ClientResponse> RemoteClient::send_ok(const net::ClientRequest& request, const StopToken& stop) const {
  MORGAN_TRY(auto response, send(request, stop));
  if (response.status < 200 || response.status > 299) return fail(refusal(response));
  return response;
}

Error RemoteClient::refusal(const net::ClientResponse& response) const {
  const std::string who = "the upstream " + address_;
  const ErrorCode code = code_of(response.status);
  // Upstreams quote the key that they refuse, so their words stay out of this one.
  if (code == ErrorCode::kUnauthorized) {
    return {code, who + (options_.api_key.empty() ? " wants an API key; set one" : " refused the API key; check it")};
  }
  const std::string said = shortened(without_key(error_message_of(response.body)));
  return {code, who + " answered " + std::to_string(response.status) + (said.empty() ? "" : ": " + said)};
}

Failure RemoteClient::not_understood(std::string_view what) const {
  return fail(ErrorCode::kUnavailable, "the upstream " + address_ + " sent something that is not " + std::string(what));
}

EngineInfo RemoteClient::info(std::string role) const {
  return {std::move(role), "openai", options_.model, "at " + address_, {}, true};
}

std::string RemoteClient::without_key(std::string text) const {
  const std::string& key = options_.api_key;
  if (key.empty()) return text;
  for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at)) {
    text.replace(at, key.size(), "***");
    at += 3;
  }
  return text;
}

std::string error_message_of(std::string_view body) {
  const auto parsed = parse_json(body);
  if (!parsed || !parsed->is_object()) return {};
  for (const char* const name : {"error", "detail", "message"}) {
    const auto at = parsed->find(name);
    if (at == parsed->end() || at->is_null()) continue;
    if (at->is_string()) return at->get<std::string>();
    if (at->is_object() && at->contains("message")) return string_or(*at, "message", dump_json(*at));
    return dump_json(*at);
  }
  return {};
}

double number_or(const Json& object, const char* name, double fallback) {
  if (!object.is_object()) return fallback;
  const auto at = object.find(name);
  return at != object.end() && at->is_number() ? at->get<double>() : fallback;
}

std::string string_or(const Json& object, const char* name, std::string fallback) {
  if (!object.is_object()) return fallback;
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : fallback;
}

}  // namespace morgan::engines
