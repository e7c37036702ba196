#include "net/exchange.h"

#include "base/log.h"
#include "net/http_guard.h"

namespace morgan::net {

namespace {

constexpr std::size_t kMaxPending = 256 * 1024;

/// The body of an inline answer that was meant to be streamed.
class StringWriter final : public BodyWriter {
 public:
  Result<void> write(std::string_view bytes) override {
    body.append(bytes);
    return {};
  }
  std::string body;
};

// What a handler throws is a bug: the client learns nothing of it, the log everything.
template <typename Call>
auto guarded(const ServerOptions& options, const Request& request, const Call& call)
    -> std::optional<decltype(call())> {
  std::string what = "unknown exception";
  try {
    return call();
  } catch (const std::exception& exception) {
    what = exception.what();
  } catch (...) {
  }
  log::error(options.name, "a handler threw", {{"path", request.path}, {"id", request.request_id}, {"what", what}});
  return std::nullopt;
}

}  // namespace

Response respond_to_error(const ServerOptions& options, const Error& error, const Request& request) {
  if (options.error_response) {
    const auto call = [&] { return options.error_response(error, request); };
    if (auto response = guarded(options, request, call)) return std::move(*response);
  }
  return default_error_response(error);
}

Exchange::Exchange(const ServerOptions* options, std::function<void()> wake)
    : options_(options), wake_(std::move(wake)) {
  request.stop = stop_.token();
}

Response Exchange::error_response(const Error& error) const {
  return respond_to_error(*options_, error, request);
}

Response Exchange::call(const Handler& handler) {
  // The client may have left while the request waited for a worker.
  if (request.stop.stop_requested()) return error_response(request.stop.error());
  auto response = guarded(*options_, request, [&] { return handler(request); });
  if (!response) return error_response({ErrorCode::kInternal, "something went wrong here; the server's log has more"});
  return std::move(*response);
}

void Exchange::run(const Handler& handler) {
  Response response = call(handler);
  const auto stream = std::exchange(response.stream, nullptr);
  const bool streamed = stream && request.method != Method::kHead;
  {
    const std::lock_guard lock(mutex_);
    head_ = Head{std::move(response), static_cast<bool>(stream)};
    finished_ = !streamed;
  }
  wake_();
  if (!streamed) return;
  const auto result = guarded(*options_, request, [&] { return stream(*this); });
  const bool failed = !result || !*result;
  if (result && !*result && result->error().code != ErrorCode::kCancelled) {
    log::warn(options_->name, "a streamed answer was cut",
              {{"path", request.path}, {"id", request.request_id}, {"why", result->error().message}});
  }
  finish(failed);
}

Response Exchange::run_inline(const Handler& handler) {
  Response response = call(handler);
  const auto stream = std::exchange(response.stream, nullptr);
  if (!stream) return response;
  StringWriter writer;
  const auto result = guarded(*options_, request, [&] { return stream(writer); });
  if (!result) return error_response({ErrorCode::kInternal, "something went wrong here; the server's log has more"});
  if (!*result) return error_response(result->error());
  response.body = std::move(writer.body);
  return response;
}

std::optional<Response> Exchange::find_ready(
    const std::function<std::optional<Response>(const Request&)>& ready) const {
  auto response = guarded(*options_, request, [&] { return ready(request); });
  return response ? std::move(*response) : std::nullopt;
}

Result<void> Exchange::write(std::string_view bytes) {
  while (!bytes.empty()) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return aborted_ || pending_.size() < kMaxPending; });
    if (aborted_) return fail(request.stop.error());
    const std::string_view piece = bytes.substr(0, kMaxPending - pending_.size());
    bytes.remove_prefix(piece.size());
    const bool was_empty = pending_.empty();
    pending_.append(piece);
    lock.unlock();
    if (was_empty) wake_();
  }
  const std::lock_guard lock(mutex_);
  if (aborted_) return fail(request.stop.error());
  return {};
}

std::optional<Exchange::Head> Exchange::take_head() {
  const std::lock_guard lock(mutex_);
  return std::exchange(head_, std::nullopt);
}

Exchange::Piece Exchange::take() {
  Piece piece;
  const std::lock_guard lock(mutex_);
  piece.bytes.swap(pending_);
  piece.finished = finished_;
  piece.failed = failed_;
  room_.notify_all();
  return piece;
}

void Exchange::abort(StopReason reason) {
  stop_.request_stop(reason);
  const std::lock_guard lock(mutex_);
  aborted_ = true;
  room_.notify_all();
}

void Exchange::finish(bool failed) {
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    failed_ = failed;
  }
  wake_();
}

}  // namespace morgan::net
