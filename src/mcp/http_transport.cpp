#include "mcp/http_transport.h"

#include "base/log.h"
#include "base/strings.h"
#include "mcp/protocol.h"
#include "net/http_client.h"
#include "net/sse.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace morgan::mcp {

namespace {

constexpr std::chrono::seconds kNotifyLimit{10};
constexpr std::chrono::seconds kListenAgain{5};
/// A stream that says nothing for so long is opened anew.
constexpr std::chrono::minutes kListenSilence{30};
constexpr std::chrono::seconds kGoodbyeLimit{2};

/// The answer to one request out of a body: one JSON message, or events among which it is.
class AnswerReader {
 public:
  AnswerReader(long long id, const TransportEvents& events)
      : id_(id), events_(events), parser_([this](std::string_view, std::string_view data) { take(data); }) {}

  /// False: enough.
  bool push(std::string_view bytes) {
    if (!kind_known_) {
      head_ += bytes;
      const std::string_view begun = trim(head_);
      if (begun.empty()) return true;
      kind_known_ = true;
      is_json_ = begun.front() == '{' || begun.front() == '[';
      const std::string first = std::exchange(head_, {});
      return push(first);
    }
    unread_ += bytes.size();
    if (unread_ > kMostMessage) {
      too_large_ = true;
      return false;
    }
    if (is_json_) {
      head_ += bytes;
    } else {
      parser_.push(bytes);
    }
    return true;
  }

  void finish() {
    if (is_json_ && !too_large_) take(head_);
  }

  bool is_too_large() const { return too_large_; }
  std::optional<RpcMessage>& answer() { return answer_; }

 private:
  void take(std::string_view text) {
    unread_ = 0;
    if (text.empty()) return;  // only tells its number
    auto parsed = parse_message(text);
    RpcMessage* message = std::get_if<RpcMessage>(&parsed);
    if (message == nullptr) return;
    if (message->kind != RpcMessage::Kind::kResponse) return events_.on_message(std::move(*message));
    if (message->id == Json(id_)) answer_ = std::move(*message);
  }

  const long long id_;
  const TransportEvents& events_;
  bool kind_known_ = false;
  bool is_json_ = false;
  bool too_large_ = false;
  std::size_t unread_ = 0;  // bytes since the last message
  std::string head_;        // until the kind is known; then all of a JSON body
  std::optional<RpcMessage> answer_;
  net::SseParser parser_;
};

class HttpTransport final : public Transport {
 public:
  HttpTransport(const ServerConfig& config, TransportEvents events) : config_(config), events_(std::move(events)) {}

  ~HttpTransport() override {
    {
      const std::scoped_lock lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    stop_.request_stop(StopReason::kShutdown);
    if (listener_.joinable()) listener_.join();
    if (session().empty()) return;
    net::ClientRequest goodbye = make_request(net::Method::kDelete);
    goodbye.connect_timeout = goodbye.total_timeout = kGoodbyeLimit;
    // It would forget us by itself, too.
    static_cast<void>(net::http_request(goodbye).has_value());
  }

  Result<Json> request(std::string_view method, OrderedJson params, std::chrono::milliseconds timeout,
                       const StopToken& stop) override {
    const long long id = next_id();
    AnswerReader reader(id, events_);
    net::ClientRequest post = make_request(net::Method::kPost);
    post.body = dump_json(request_message(id, method, std::move(params)));
    post.stall_timeout = post.total_timeout = timeout;
    post.on_body = [&reader](std::string_view bytes) { return reader.push(bytes); };
    const auto response = net::http_request(post, stop);
    reader.finish();
    if (response) MORGAN_CHECK_OK(check(*response));
    if (response && method == "initialize") keep_session(*response);
    if (auto& answer = reader.answer()) {
      if (answer->error) return fail(error_of(*answer->error, config_.name));
      return std::move(answer->result);
    }
    return fail(failure(id, reader, response, timeout, stop));
  }

  Result<void> notify(std::string_view method, OrderedJson params) override {
    return send(dump_json(notification_message(method, std::move(params))));
  }

  Result<void> respond(const OrderedJson& message) override { return send(dump_json(message)); }

  void use_version(const std::string& version) override {
    {
      const std::scoped_lock lock(mutex_);
      version_ = version;
    }
    listener_ = std::thread([this] { listen(); });
  }

 private:
  std::string session() {
    const std::scoped_lock lock(mutex_);
    return session_;
  }
  long long next_id() {
    const std::scoped_lock lock(mutex_);
    return ++last_id_;
  }
  void keep_session(const net::ClientResponse& response) {
    const auto header = response.headers.find(kSessionHeader);
    if (header == response.headers.end()) return;
    const std::scoped_lock lock(mutex_);
    session_ = header->second;
  }

  net::ClientRequest make_request(net::Method method) {
    net::ClientRequest request;
    request.method = method;
    request.url = config_.url;
    for (const auto& [name, value] : config_.headers)
      request.headers.emplace(name, value);
    request.headers.emplace("Accept",
                            method == net::Method::kGet ? "text/event-stream" : "application/json, text/event-stream");
    if (method == net::Method::kPost) request.headers.emplace("Content-Type", "application/json");
    const std::scoped_lock lock(mutex_);
    if (!session_.empty()) request.headers.emplace(kSessionHeader, session_);
    if (!version_.empty()) request.headers.emplace(kVersionHeader, version_);
    request.max_body = kMostMessage;
    return request;
  }

  Result<void> send(std::string body) {
    net::ClientRequest post = make_request(net::Method::kPost);
    post.body = std::move(body);
    post.total_timeout = kNotifyLimit;
    MORGAN_TRY(const net::ClientResponse response, net::http_request(post, stop_.token()));
    return check(response);
  }

  /// A refusal at HTTP's own level.
  Result<void> check(const net::ClientResponse& response) {
    if (response.status / 100 == 2) return {};
    if (response.status == 404 && !session().empty()) {
      Error ended{ErrorCode::kConflict, "the MCP server '" + config_.name + "' has ended our session"};
      ended.reason = "SESSION_ENDED";
      return fail(std::move(ended));
    }
    const auto parsed = parse_message(response.body);
    if (const RpcMessage* message = std::get_if<RpcMessage>(&parsed); message != nullptr && message->error) {
      return fail(error_of(*message->error, config_.name));
    }
    return fail(response.status == 401 || response.status == 403 ? ErrorCode::kUnauthorized : ErrorCode::kUnavailable,
                "the MCP server '" + config_.name + "' answered status " + std::to_string(response.status));
  }

  Error failure(long long id, const AnswerReader& reader, const Result<net::ClientResponse>& response,
                std::chrono::milliseconds timeout, const StopToken& stop) {
    if (reader.is_too_large()) {
      return {ErrorCode::kTooLarge, "the MCP server '" + config_.name + "' answered more than 4 MB"};
    }
    if (response) {
      return {ErrorCode::kUnavailable, "the MCP server '" + config_.name + "' ended its answer before its result"};
    }
    const bool late = response.error().code == ErrorCode::kDeadlineExceeded;
    // Closing the connection is no cancellation.
    if (late || stop.stop_requested()) events_.on_abandoned(id, late ? "time-out" : "stopped");
    if (!late) return response.error();
    return {ErrorCode::kDeadlineExceeded,
            "the MCP server '" + config_.name + "' did not answer within " + std::to_string(timeout.count()) + " ms"};
  }

  /// What the server says by itself, such as that its tools have changed.
  void listen() {
    for (;;) {
      net::ClientRequest get = make_request(net::Method::kGet);
      get.stall_timeout = kListenSilence;
      net::SseParser parser([this](std::string_view, std::string_view data) {
        if (data.empty()) return;
        auto parsed = parse_message(data);
        RpcMessage* message = std::get_if<RpcMessage>(&parsed);
        if (message != nullptr && message->kind != RpcMessage::Kind::kResponse) events_.on_message(std::move(*message));
      });
      get.on_body = [&parser](std::string_view bytes) {
        parser.push(bytes);
        return true;
      };
      const auto response = net::http_request(get, stop_.token());
      if (response && response->status == 404 && !session().empty()) {
        return events_.on_end({ErrorCode::kUnavailable, "the MCP server '" + config_.name + "' has ended our session"});
      }
      if (!response && response.error().code == ErrorCode::kUnavailable) return events_.on_end(response.error());
      // Most have no such stream, which they tell by 405.
      if (response && response->status / 100 != 2) return;
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, kListenAgain, [this] { return ending_; })) return;
    }
  }

  const ServerConfig config_;
  const TransportEvents events_;
  StopSource stop_;
  std::mutex mutex_;  // guards what follows, but listener_
  std::condition_variable changed_;
  long long last_id_ = 0;
  std::string session_;
  std::string version_;
  bool ending_ = false;
  std::thread listener_;
};

}  // namespace

std::unique_ptr<Transport> make_http_transport(const ServerConfig& config, TransportEvents events) {
  return std::make_unique<HttpTransport>(config, std::move(events));
}

}  // namespace morgan::mcp
