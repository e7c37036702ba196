#include "tools/remote/json_request.h"

#include "base/log.h"
#include "base/strings.h"
#include "net/http_client.h"

#include <cctype>

namespace morgan::tools {

namespace {

constexpr std::uint64_t kMostAnswerBytes = 8'000'000;

}  // namespace

Result<Json> request_json(const JsonRequest& request, const StopToken& stop) {
  net::ClientRequest http;
  http.url = request.url;
  char separator = request.url.find('?') == std::string::npos ? '?' : '&';
  for (const auto& [name, value] : request.query) {
    http.url += separator + name + "=" + net::url_encode(value);
    separator = '&';
  }
  http.max_body = kMostAnswerBytes;
  http.headers.emplace("Accept", "application/json");
  if (!request.token.empty()) http.headers.emplace("Authorization", "Bearer " + request.token);
  if (!request.body.is_null()) {
    http.method = net::Method::kPost;
    http.body = dump_json(request.body);
    http.headers.emplace("Content-Type", "application/json");
  }
  auto answer = net::http_request(http, stop);
  if (!answer) {
    if (answer.error().code == ErrorCode::kCancelled || answer.error().code == ErrorCode::kDeadlineExceeded)
      return fail(std::move(answer).error());
    log::warn("tools", request.what + " cannot be reached", {{"why", answer.error().message}});
    return fail(ErrorCode::kUnavailable, request.what + " cannot be reached: " + answer.error().message);
  }
  if (answer->status < 200 || answer->status > 299) {
    const bool refused = answer->status == 401 || answer->status == 403;
    log::warn("tools", request.what + " refused a request", {{"status", std::to_string(answer->status)}});
    return fail(ErrorCode::kUnavailable, request.what + " answered with status " + std::to_string(answer->status) +
                                             (refused ? "; check its token" : ""));
  }
  auto json = parse_json(answer->body);
  if (!json) return fail(ErrorCode::kUnavailable, request.what + " did not answer with JSON");
  return json;
}

std::string said_safely(const std::string& text, std::size_t most_bytes) {
  if (!is_valid_utf8(text)) return "";
  std::string plain;
  bool tag = false;
  for (const char c : text) {
    if (c == '<') tag = true;
    if (!tag) {
      const bool blank =
          std::isspace(static_cast<unsigned char>(c)) != 0 || std::iscntrl(static_cast<unsigned char>(c)) != 0;
      const bool mark = std::string_view("*_`#|~").find(c) != std::string_view::npos;
      if (!mark && !(blank && (plain.empty() || plain.back() == ' '))) plain += blank ? ' ' : c;
    }
    if (c == '>') tag = false;
    if (plain.size() > most_bytes) break;
  }
  if (plain.size() > most_bytes) {
    const std::size_t blank = plain.rfind(' ', most_bytes);
    plain.resize(blank == std::string::npos ? 0 : blank);
    plain += " ...";
  }
  return std::string(trim(plain));
}

}  // namespace morgan::tools
