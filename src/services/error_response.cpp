// Error to HTTP: status, code and form. See service.h.
#include "base/strings.h"
#include "services/service.h"

namespace morgan::services {

namespace {

constexpr std::string_view kMethodNotAllowed = "METHOD_NOT_ALLOWED";
constexpr int kClientClosed = 499;  // as nginx has it; nobody reads it but the log and the metrics

struct Mapping {
  int status = 500;
  std::string_view code;  // Morgan's, when the error names none
};

Mapping mapping(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return {400, "INVALID_INPUT"};
    case ErrorCode::kNotFound:
      return {404, "NOT_FOUND"};
    case ErrorCode::kUnauthorized:
      return {401, "UNAUTHORIZED"};
    case ErrorCode::kConflict:
      return {409, "CONFLICT"};
    case ErrorCode::kTooLarge:
      return {413, "PAYLOAD_TOO_LARGE"};
    case ErrorCode::kUnsupported:
      return {405, kMethodNotAllowed};
    case ErrorCode::kOverloaded:
      return {503, "SERVICE_UNAVAILABLE"};
    // The server stops and another should be asked.
    case ErrorCode::kCancelled:
      return {503, "CANCELLED"};
    case ErrorCode::kDeadlineExceeded:
      return {504, "TIMEOUT"};
    case ErrorCode::kUnavailable:
      return {503, "SERVICE_UNAVAILABLE"};
    case ErrorCode::kCorrupt:
      return {500, "MODEL_LOAD_ERROR"};
    case ErrorCode::kInternal:
      return {500, "INTERNAL_ERROR"};
  }
  return {500, "INTERNAL_ERROR"};
}

std::string_view openai_type(int status) {
  if (status == 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

std::string openai_code(std::string_view code) {
  if (code == "INVALID_MODEL") return "model_not_found";
  if (code == "INVALID_INPUT") return "invalid_value";
  if (code == "UNAUTHORIZED") return "invalid_api_key";
  if (code == "FORBIDDEN") return "insufficient_permissions";
  if (code == "RATE_LIMITED") return "rate_limit_exceeded";
  return to_lower_ascii(code);
}

int status_of(const Error& error, std::string_view code, const StopToken& stop) {
  if (code == "RATE_LIMITED") return 429;
  if (code == "FORBIDDEN") return 403;
  if (code == "UNSUPPORTED_MEDIA_TYPE") return 415;
  if (error.code == ErrorCode::kCancelled && stop.reason() == StopReason::kClientGone) return kClientClosed;
  // The router's kUnsupported is a wrong method; an engine's names its reason.
  if (error.code == ErrorCode::kUnsupported && code != kMethodNotAllowed) return 501;
  return mapping(error.code).status;
}

}  // namespace

int http_status(ErrorCode code) {
  return mapping(code).status;
}

std::string error_code(const Error& error) {
  return error.reason.empty() ? std::string(mapping(error.code).code) : error.reason;
}

net::Response error_response(const Error& error, const net::Request& request) {
  const std::string code = error_code(error);
  const int status = status_of(error, code, request.stop);

  OrderedJson body;
  if (request.path == "/v1" || request.path.starts_with("/v1/")) {
    OrderedJson inner;
    inner["message"] = error.message;
    inner["type"] = openai_type(status);
    inner["param"] = error.param.empty() ? OrderedJson(nullptr) : OrderedJson(error.param);
    inner["code"] = openai_code(code);
    body["error"] = std::move(inner);
  } else {
    body["error"] = code;
    body["message"] = error.message;
    body["detail"] = error.message;  // where the older API's code has it
    body["details"] = OrderedJson::object();
    if (!error.param.empty()) body["details"]["param"] = error.param;
    body["request_id"] = request.request_id;
  }
  net::Response response = net::Response::json(status, dump_json(body));
  if (status == 503 || status == 429) response.headers.emplace("Retry-After", "1");
  return response;
}

}  // namespace morgan::services
