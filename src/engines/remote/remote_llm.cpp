#include "base/json_util.h"
#include "base/strings.h"
#include "engines/llm/chat_messages.h"
#include "engines/remote/openai_engines.h"
#include "engines/remote/remote_client.h"
#include "net/sse.h"

#include <atomic>
#include <memory>
#include <utility>

namespace morgan::engines {

namespace {

constexpr const char* kChatPath = "/chat/completions";
/// An answer that is not a stream although one was asked for is kept up to here.
constexpr std::size_t kMaxPlainBytes = 8'000'000;

ChatUsage usage_of(const Json& usage) {
  ChatUsage result;
  if (!usage.is_object()) return result;
  result.prompt_tokens = static_cast<int>(number_or(usage, "prompt_tokens", 0));
  result.completion_tokens = static_cast<int>(number_or(usage, "completion_tokens", 0));
  if (const auto details = usage.find("prompt_tokens_details"); details != usage.end()) {
    result.cached_tokens = static_cast<int>(number_or(*details, "cached_tokens", 0));
  }
  return result;
}

/// Gathers a chat answer from its events, or from one whole object.
class ChatReader {
 public:
  explicit ChatReader(const std::function<bool(std::string_view)>& on_text) : on_text_(on_text) {}

  /// @param part "delta" of an event, "message" of a whole answer
  void take(std::string_view data, const char* part) {
    if (data == "[DONE]" || error_ || cancelled_) return;
    const auto chunk = parse_json(data);
    if (!chunk || !chunk->is_object()) {
      error_ = "malformed JSON";
      return;
    }
    if (const auto error = chunk->find("error"); error != chunk->end() && !error->is_null()) {
      error_ = error_message_of(data);
      return;
    }
    if (const auto usage = chunk->find("usage"); usage != chunk->end()) {
      if (usage->is_object()) reply_.usage = usage_of(*usage);
    }
    const auto choices = chunk->find("choices");
    if (choices == chunk->end() || !choices->is_array()) return;
    understood_ = true;
    if (choices->empty() || !choices->front().is_object()) return;
    const Json& choice = choices->front();
    reply_.finish_reason = string_or(choice, "finish_reason", reply_.finish_reason);
    const auto message = choice.find(part);
    if (message == choice.end()) return;
    take_tool_calls(*message, reply_.tool_calls);
    take_text(string_or(*message, "content", ""));
  }

  bool wants_more() const { return !error_ && !cancelled_; }
  bool cancelled() const { return cancelled_; }
  bool understood() const { return understood_; }
  const std::optional<std::string>& error() const { return error_; }
  ChatReply finish() {
    if (reply_.finish_reason.empty()) reply_.finish_reason = "stop";
    return std::move(reply_);
  }

 private:
  void take_text(const std::string& text) {
    if (text.empty()) return;
    reply_.text += text;
    if (on_text_ && !on_text_(text)) cancelled_ = true;
  }

  const std::function<bool(std::string_view)>& on_text_;
  ChatReply reply_;
  std::optional<std::string> error_;
  bool cancelled_ = false;
  bool understood_ = false;
};

/// Parts of the API that some upstreams refuse; learnt from their first refusal.
struct Dialect {
  std::atomic<bool> no_stream_options{false};
  std::atomic<bool> max_completion_tokens{false};

  /// @return true: something was learnt, try again
  bool learn(const net::ClientResponse& refusal) {
    if (refusal.status != 400 && refusal.status != 422) return false;
    if (refusal.body.find("stream_options") != std::string::npos && !no_stream_options.exchange(true)) return true;
    return refusal.body.find("max_completion_tokens") != std::string::npos && !max_completion_tokens.exchange(true);
  }
};

Result<Json> chat_body(const ChatRequest& request, const RemoteOptions& options, const Dialect& dialect) {
  const bool own_model = request.model.empty() || request.model == "default";
  Json body{{"model", own_model ? options.model : request.model},
            {"messages", messages_json(request.messages)},
            {"temperature", request.temperature},
            {dialect.max_completion_tokens ? "max_completion_tokens" : "max_tokens", request.max_tokens},
            {"stream", true}};
  if (!dialect.no_stream_options) body["stream_options"] = {{"include_usage", true}};
  if (request.top_p) body["top_p"] = *request.top_p;
  if (request.seed) body["seed"] = *request.seed;
  if (!request.stop_words.empty()) body["stop"] = request.stop_words;
  MORGAN_CHECK_OK(add_tools(request, body));
  return body;
}

std::string header_or(const net::Headers& headers, std::string_view name, std::string fallback) {
  const auto at = headers.find(name);
  return at == headers.end() ? fallback : at->second;
}

class RemoteLlm final : public LlmEngine {
 public:
  explicit RemoteLlm(RemoteClient client) : client_(std::move(client)) {}

  Result<ChatReply> chat(const ChatRequest& request, const std::function<bool(std::string_view)>& on_text,
                         const StopToken& stop) override {
    for (;;) {
      ChatReader reader(on_text);
      std::string plain;
      bool has_events = false;
      net::SseParser parser([&](std::string_view, std::string_view data) {
        has_events = true;
        reader.take(data, "delta");
      });
      MORGAN_TRY(const Json body, chat_body(request, client_.options(), dialect_));
      net::ClientRequest post = client_.post_json(kChatPath, body);
      post.headers.emplace("Accept", "text/event-stream");
      post.on_body = [&](std::string_view bytes) {
        parser.push(bytes);
        if (!has_events && plain.size() < kMaxPlainBytes) plain += bytes;
        return reader.wants_more();
      };
      const auto response = client_.send(post, stop);
      if (reader.cancelled()) return fail(ErrorCode::kCancelled, "the chat was cancelled");
      if (reader.error()) {
        return fail(ErrorCode::kUnavailable, "the upstream " + client_.address() + " failed: " + *reader.error());
      }
      if (!response) return fail(response.error());
      if (response->status < 200 || response->status > 299) {
        if (dialect_.learn(*response)) continue;
        return fail(client_.refusal(*response));
      }
      if (!has_events) reader.take(plain, "message");
      if (reader.cancelled()) return fail(ErrorCode::kCancelled, "the chat was cancelled");
      if (!reader.understood()) return client_.not_understood("a chat completion");
      return reader.finish();
    }
  }

  Result<WireReply> chat_completions(const std::string& body, const std::function<bool(std::string_view)>& on_chunk,
                                     const StopToken& stop) override {
    MORGAN_TRY(Json parsed, parse_json_object(body));
    MORGAN_TRY(const auto model, json_string(parsed, "model"));
    MORGAN_TRY(const auto stream, json_bool(parsed, "stream"));
    net::ClientRequest post = client_.post_json(kChatPath, Json::object());
    post.body = body;
    if (!model || model->empty() || *model == "default") {
      parsed["model"] = client_.options().model;
      post.body = dump_json(parsed);
    }
    if (stream.value_or(false) && on_chunk) return pass_stream(std::move(post), on_chunk, stop);
    MORGAN_TRY(auto response, client_.send(post, stop));
    return pass_whole(std::move(response));
  }

  /// An upstream's cache is its own.
  Result<void> prefill(const std::vector<ChatMessage>&, const StopToken&) override { return {}; }
  std::string model_name() const override { return client_.options().model; }
  int context_tokens() const override { return 0; }
  EngineInfo info() const override { return client_.info("llm"); }

 private:
  Result<WireReply> pass_stream(net::ClientRequest post, const std::function<bool(std::string_view)>& on_chunk,
                                const StopToken& stop) const {
    bool wanted = true;
    bool has_events = false;
    bool done = false;
    std::string plain;
    net::SseParser parser([&](std::string_view event, std::string_view data) {
      has_events = true;
      if (!wanted || done) return;
      done = data == "[DONE]";
      wanted = on_chunk(net::sse_event(data, event));
    });
    post.headers.emplace("Accept", "text/event-stream");
    post.on_body = [&](std::string_view bytes) {
      parser.push(bytes);
      if (!has_events && plain.size() < kMaxPlainBytes) plain += bytes;
      return wanted;
    };
    auto response = client_.send(post, stop);
    if (!wanted) return fail(ErrorCode::kCancelled, "the chat was cancelled");
    if (!response) return fail(std::move(response).error());
    if (!has_events) {
      if (!plain.empty()) response->body = std::move(plain);
      return pass_whole(std::move(response).value());
    }
    if (!done && !on_chunk(net::sse_event("[DONE]"))) return fail(ErrorCode::kCancelled, "the chat was cancelled");
    return WireReply{response->status, "text/event-stream", ""};
  }

  Result<WireReply> pass_whole(net::ClientResponse response) const {
    if (response.status >= 200 && response.status <= 299) {
      return WireReply{response.status, header_or(response.headers, "Content-Type", "application/json"),
                       std::move(response.body)};
    }
    const Error refusal = client_.refusal(response);
    // The key is ours, not the client's: to the client this is no "unauthorized" of its own.
    if (refusal.code == ErrorCode::kUnauthorized) return fail(refusal);
    const auto parsed = parse_json(response.body);
    if (parsed && parsed->is_object() && parsed->contains("error") && parsed->at("error").is_object()) {
      return WireReply{response.status, "application/json", std::move(response.body)};
    }
    const char* const type = response.status >= 500 ? "server_error" : "invalid_request_error";
    const Json error{{"message", refusal.message}, {"type", type}, {"param", nullptr}, {"code", nullptr}};
    return WireReply{response.status, "application/json", dump_json(Json{{"error", error}})};
  }

  RemoteClient client_;
  Dialect dialect_;
};

}  // namespace

Result<std::unique_ptr<LlmEngine>> connect_remote_llm(const RemoteOptions& options) {
  MORGAN_TRY(auto client, RemoteClient::create(options));
  std::unique_ptr<LlmEngine> engine = std::make_unique<RemoteLlm>(std::move(client));
  return engine;
}

}  // namespace morgan::engines
