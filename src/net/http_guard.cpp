#include "net/http_guard.h"

#include "base/ids.h"
#include "base/json_util.h"
#include "base/strings.h"
#include "net/cors.h"
#include "net/url.h"

#include <algorithm>

namespace morgan::net {

namespace http = boost::beast::http;

namespace {

constexpr std::size_t kMaxRequestId = 128;
constexpr int kBodyGraceHeads = 3;  // of header_timeout
constexpr std::uint64_t kLeastBodyBytesPerSecond = 10'000;

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

Refusal bad_request(std::string message) {
  return refusal(ErrorCode::kInvalidArgument, std::move(message), 400);
}

std::optional<Method> method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return Method::kGet;
    case http::verb::post:
      return Method::kPost;
    case http::verb::put:
      return Method::kPut;
    case http::verb::patch:
      return Method::kPatch;
    case http::verb::delete_:
      return Method::kDelete;
    case http::verb::head:
      return Method::kHead;
    case http::verb::options:
      return Method::kOptions;
    default:
      return std::nullopt;
  }
}

// "user@host:port" or "[::1]:port" without the port.
std::string_view without_port(std::string_view authority) {
  const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : std::string_view::npos;
  if (bracket != std::string_view::npos) return authority.substr(0, bracket + 1);
  return authority.substr(0, authority.find(':'));
}

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 400;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kUnauthorized:
      return 401;
    case ErrorCode::kConflict:
      return 409;
    case ErrorCode::kTooLarge:
      return 413;
    case ErrorCode::kUnsupported:
      return 415;
    case ErrorCode::kOverloaded:
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kCancelled:
      return 499;
    case ErrorCode::kDeadlineExceeded:
      return 504;
    case ErrorCode::kCorrupt:
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

}  // namespace

Refusal refusal(ErrorCode code, std::string message, int status, Headers headers) {
  Refusal made;
  made.error.code = code;
  made.error.message = std::move(message);
  made.status = status;
  made.headers = std::move(headers);
  return made;
}

std::optional<Refusal> check_head(const RequestHead& head) {
  const auto encodings = head.count(http::field::transfer_encoding);
  const auto lengths = head.count(http::field::content_length);
  if (encodings > 0) {
    if (encodings > 1 || !equals_ignore_case(view(head[http::field::transfer_encoding]), "chunked")) {
      return bad_request("Transfer-Encoding must be exactly 'chunked'");
    }
    if (lengths > 0) return bad_request("Transfer-Encoding and Content-Length exclude each other");
    if (head.version() < 11) return bad_request("HTTP/1.0 has no Transfer-Encoding");
  }
  if (lengths > 1) return bad_request("there are several Content-Length headers");
  if (lengths == 1) {
    const std::string_view length = view(head[http::field::content_length]);
    if (length.empty() || length.find_first_not_of("0123456789") != std::string_view::npos) {
      return bad_request("Content-Length must be one number");
    }
  }
  const auto hosts = head.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && head.version() >= 11)) return bad_request("there must be exactly one Host header");
  const std::string_view expectation = view(head[http::field::expect]);
  if (!expectation.empty() && !equals_ignore_case(expectation, "100-continue")) {
    return refusal(ErrorCode::kUnsupported, "the only expectation known here is 100-continue", 417);
  }
  return std::nullopt;
}

std::optional<Refusal> read_request_line(const RequestHead& head, Request& request, std::string& raw_path) {
  for (const auto& field : head)
    request.headers.emplace(view(field.name_string()), view(field.value()));
  request.request_id = choose_request_id(request.header("X-Request-ID"));
  auto target = parse_target(view(head.target()));
  if (!target) return bad_request(target.error().message);
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  raw_path = std::move(target->raw_path);
  const auto method = method_of(head.method());
  if (!method) {
    return refusal(ErrorCode::kUnsupported, "this method is not known here", 405,
                   {{"Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}});
  }
  request.method = *method;
  return std::nullopt;
}

std::optional<Refusal> check_page_origin(const Request& request, std::span<const std::string> allowed) {
  if (request.headers.count("Origin") == 0 || is_allowed_origin(request, allowed)) return std::nullopt;
  const std::string_view origin = request.header("Origin");
  const std::string_view host = request.header("Host");
  const std::size_t scheme = origin.find("://");
  const bool same = scheme != std::string_view::npos && !host.empty() &&
                    equals_ignore_case(without_port(origin.substr(scheme + 3)), without_port(host));
  if (same) return std::nullopt;
  return refusal(ErrorCode::kUnauthorized,
                 "a page of another host may not use this server; access.allowed_origins names those that may", 403);
}

std::optional<Refusal> check_origin(const Request& request, std::span<const std::string> allowed) {
  const bool reads =
      request.method == Method::kGet || request.method == Method::kHead || request.method == Method::kOptions;
  return reads ? std::nullopt : check_page_origin(request, allowed);
}

std::chrono::milliseconds body_time(std::chrono::milliseconds header_timeout, std::uint64_t bytes) {
  return kBodyGraceHeads * header_timeout + std::chrono::milliseconds(bytes * 1'000 / kLeastBodyBytesPerSecond);
}

std::string choose_request_id(std::string_view offered) {
  const bool harmless =
      !offered.empty() && offered.size() <= kMaxRequestId && std::all_of(offered.begin(), offered.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
      });
  return harmless ? std::string(offered) : random_id("req_");
}

Response default_error_response(const Error& error) {
  OrderedJson body;
  body["error"]["code"] = to_string(error.code);
  body["error"]["message"] = error.message;
  return Response::json(status_of(error.code), dump_json(body));
}

}  // namespace morgan::net
