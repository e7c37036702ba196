#include "services/api_routes.h"

#include "base/log.h"
#include "base/strings.h"
#include "net/credentials.h"
#include "services/openapi.h"

#include <fmt/format.h>

#include <algorithm>

namespace morgan::services {

namespace {

constexpr int kFirstServerError = 500;
constexpr const char* kProcessTime = "X-Process-Time";
constexpr std::string_view kProtocol = "morgan";

// One request under way; ends when its answer has been written. Shared by the handler and the streamed answer.
class ActiveRequest {
 public:
  explicit ActiveRequest(std::shared_ptr<RequestCounters> counters) : counters_(std::move(counters)) {
    ++counters_->active;
  }
  ~ActiveRequest() {
    --counters_->active;
    ++counters_->answered;
    if (failed_) ++counters_->failed;
  }
  ActiveRequest(const ActiveRequest&) = delete;
  ActiveRequest& operator=(const ActiveRequest&) = delete;
  void set_failed() { failed_ = true; }

 private:
  std::shared_ptr<RequestCounters> counters_;
  bool failed_ = false;
};

/// "0.0123"; of a stream, until it began.
std::string seconds_text(std::chrono::steady_clock::duration time) {
  return fmt::format("{:.4f}", std::chrono::duration<double>(time).count());
}

void log_failure(const std::string& service, const net::Request& request, const Error& error) {
  log::warn(service, "request failed",
            {{"method", std::string(net::to_string(request.method))},
             {"path", request.path},
             {"error", std::string(to_string(error.code))},
             {"message", error.message},
             {"request_id", request.request_id}});
}

/// Compressed bodies are not taken: what they become is limited by nothing that was sent.
Result<void> check_encoding(const net::Request& request) {
  const std::string_view encoding = trim(request.header("Content-Encoding"));
  if (request.body.empty() || encoding.empty() || equals_ignore_case(encoding, "identity")) return {};
  return fail(Error{ErrorCode::kInvalidArgument,
                    "a body with Content-Encoding '" + std::string(encoding) + "' is not understood; send it as it is",
                    "UNSUPPORTED_MEDIA_TYPE"});
}

Result<net::Response> checked(const ApiRoutes::Handler& handle, const net::Request& request) {
  MORGAN_CHECK_OK(check_encoding(request));
  return handle(request);
}

/// Browsers fail a connection that offered subprotocols and got none.
Result<std::string> answer_protocol(const net::Request& request) {
  const auto offered = net::offered_protocols(request);
  const bool ours = std::find(offered.begin(), offered.end(), kProtocol) != offered.end();
  return std::string(ours ? kProtocol : "");
}

}  // namespace

ApiRoutes::ApiRoutes(const ServiceContext& context)
    : context_(std::make_shared<const ServiceContext>(context)), counters_(std::make_shared<RequestCounters>()) {}

net::RouteOptions ApiRoutes::audio_options() const {
  return {context_->max_upload_bytes + context_->max_upload_bytes / 3 + 65'536, net::RunOn::kPool};
}

void ApiRoutes::add(net::Method method, const std::string& pattern, RouteDoc doc, Handler handler,
                    net::RouteOptions options) {
  const bool takes_client_secret = options.access.takes_client_secret;
  options.access = access_of(doc);
  options.access.takes_client_secret = takes_client_secret;
  documented_.push_back({method, pattern, std::move(doc), false});
  // What is answered inline is asked by monitors; counting it would hide the rate of real failures.
  const bool counted = options.run_on == net::RunOn::kPool;
  auto answer = [context = context_, counters = counters_, counted,
                 handle = std::move(handler)](const net::Request& request) -> net::Response {
    const auto active = counted ? std::make_shared<ActiveRequest>(counters) : nullptr;
    const auto begin = std::chrono::steady_clock::now();
    Result<net::Response> result = checked(handle, request);
    const auto process_time = seconds_text(std::chrono::steady_clock::now() - begin);
    if (!result) {
      net::Response response = error_response(result.error(), request);
      response.headers.emplace(kProcessTime, process_time);
      // Who leaves, or is cut off when the server stops, met no fault of it.
      if (response.status >= kFirstServerError && result.error().code != ErrorCode::kCancelled) {
        log_failure(context->name, request, result.error());
        if (context->webhooks != nullptr)
          context->webhooks->service_error(context->name, error_code(result.error()), request.request_id);
        if (active) active->set_failed();
      }
      return response;
    }
    net::Response response = std::move(*result);
    response.headers.emplace(kProcessTime, process_time);
    if (active && response.status >= kFirstServerError) active->set_failed();
    if (!response.stream) return response;
    response.stream = [active, write = std::move(response.stream)](net::BodyWriter& out) {
      Result<void> written = write(out);
      if (!written && active && written.error().code != ErrorCode::kCancelled) active->set_failed();
      return written;
    };
    return response;
  };
  if (options.ready) {
    options.ready = [counters = counters_, find = std::move(options.ready)](const net::Request& request) {
      const auto begin = std::chrono::steady_clock::now();
      std::optional<net::Response> response = find(request);
      if (!response) return response;
      ++counters->answered;
      response->headers.emplace(kProcessTime, seconds_text(std::chrono::steady_clock::now() - begin));
      return response;
    };
  }
  router_.add(method, pattern, std::move(answer), std::move(options));
}

void ApiRoutes::add_ws(const std::string& pattern, RouteDoc doc, net::WsHandler handler) {
  net::WsOptions options;
  options.accept = answer_protocol;
  options.access = access_of(doc);
  documented_.push_back({net::Method::kGet, pattern, std::move(doc), true});
  router_.add_ws(pattern, std::move(handler), std::move(options));
}

void ApiRoutes::add_ws_session(const std::string& pattern, RouteDoc doc, net::WsSessionFactory factory,
                               net::WsOptions options) {
  if (!options.accept) options.accept = answer_protocol;
  const bool takes_client_secret = options.access.takes_client_secret;
  options.access = access_of(doc);
  options.access.takes_client_secret = takes_client_secret;
  documented_.push_back({net::Method::kGet, pattern, std::move(doc), true});
  router_.add_ws_session(pattern, std::move(factory), std::move(options));
}

net::RouteAccess ApiRoutes::access_of(const RouteDoc& doc) const {
  net::RouteAccess access;
  access.open = doc.scope == kOpen;
  if (access.open || doc.scope == kAnyScope) return access;
  access.scope = doc.scope.empty() ? context_->name : doc.scope;
  return access;
}

net::Router ApiRoutes::finish() && {
  const auto document = std::make_shared<std::string>();
  add(
      net::Method::kGet, "/openapi.json",
      {.tag = "service", .summary = "This description, OpenAPI 3.1", .json_answer = "Any", .scope = kOpen},
      [document](const net::Request&) -> Result<net::Response> { return net::Response::json(200, *document); },
      inline_options());
  *document = dump_json(openapi_document(*context_, documented_));
  return std::move(router_);
}

}  // namespace morgan::services
