#include "engines/llm/llama_cpp_llm.h"

#include "base/log.h"
#include "base/strings.h"
#include "engines/llm/chat_body.h"
#include "engines/llm/chat_reply.h"
#include "engines/llm/llama_bridge.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <list>
#include <system_error>

namespace morgan::engines {

namespace {

constexpr std::chrono::milliseconds kStopPoll{5};
constexpr int kStatusInvalid = 400;
constexpr std::string_view kContextExceeded = "exceed_context_size_error";

bool starts_with(const std::vector<ChatMessage>& messages, const std::vector<ChatMessage>& prefix) {
  if (prefix.empty() || prefix.size() > messages.size()) return false;
  return std::equal(prefix.begin(), prefix.end(), messages.begin());
}

std::string wire_error(const BridgeReply& refused) {
  if (refused.error_type == kContextExceeded) {
    return openai_error_body(refused.error_message, "invalid_request_error", "messages", "context_length_exceeded");
  }
  const bool invalid = refused.status == kStatusInvalid;
  return openai_error_body(refused.error_message, refused.error_type, {}, invalid ? "invalid_value" : "");
}

Failure to_failure(const BridgeReply& refused) {
  const bool caller_is_wrong = refused.status >= kStatusInvalid && refused.status < 500;
  return fail(caller_is_wrong ? ErrorCode::kInvalidArgument : ErrorCode::kInternal, refused.error_message);
}

class LlamaCppLlm final : public LlmEngine {
 public:
  LlamaCppLlm(LlamaOptions options, std::unique_ptr<LlamaBridge> bridge)
      : options_(std::move(options)),
        most_in_flight_(options_.queue_limit + static_cast<std::size_t>(options_.slots)),
        bridge_(std::move(bridge)) {}

  ~LlamaCppLlm() override;

  Result<ChatReply> chat(const ChatRequest& request, const std::function<bool(std::string_view)>& on_text,
                         const StopToken& stop) override;
  Result<WireReply> chat_completions(const std::string& body, const std::function<bool(std::string_view)>& on_chunk,
                                     const StopToken& stop) override;
  Result<void> prefill(const std::vector<ChatMessage>& messages, const StopToken& stop) override;

  std::string model_name() const override { return options_.model_name; }
  int context_tokens() const override { return bridge_->model().slot_context_tokens; }
  EngineInfo info() const override;

 private:
  /// One of the requests that may be in flight, until it is destroyed.
  class Admission {
   public:
    explicit Admission(LlamaCppLlm& engine) : engine_(&engine) {}
    Admission(Admission&& other) noexcept : engine_(std::exchange(other.engine_, nullptr)) {}
    Admission& operator=(Admission&&) = delete;
    ~Admission() {
      if (engine_ != nullptr) engine_->release();
    }

   private:
    LlamaCppLlm* engine_;  // outlives this: its destructor waits
  };

  Result<Admission> admit();
  void release();
  Result<void> wait_for_prefill(const std::vector<ChatMessage>& messages, const StopToken& stop);

  const LlamaOptions options_;
  const std::size_t most_in_flight_;
  std::unique_ptr<LlamaBridge> bridge_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t in_flight_ = 0;                       // guarded by mutex_
  std::list<std::vector<ChatMessage>> prefilling_;  // guarded by mutex_
};

LlamaCppLlm::~LlamaCppLlm() {
  bridge_->close();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return in_flight_ == 0; });
}

Result<LlamaCppLlm::Admission> LlamaCppLlm::admit() {
  const std::scoped_lock lock(mutex_);
  if (in_flight_ >= most_in_flight_) {
    return fail(ErrorCode::kOverloaded,
                fmt::format("the language model has {} requests, no more are queued", most_in_flight_));
  }
  ++in_flight_;
  return Admission(*this);
}

void LlamaCppLlm::release() {
  const std::scoped_lock lock(mutex_);
  --in_flight_;
  changed_.notify_all();  // under the lock: the destructor may be what waits
}

// The prompt is being computed on one slot; starting now would compute it again on another.
Result<void> LlamaCppLlm::wait_for_prefill(const std::vector<ChatMessage>& messages, const StopToken& stop) {
  std::unique_lock lock(mutex_);
  const auto is_prefix = [&messages](const std::vector<ChatMessage>& prefix) { return starts_with(messages, prefix); };
  while (std::ranges::any_of(prefilling_, is_prefix)) {
    changed_.wait_for(lock, kStopPoll);
    if (stop.stop_requested()) return fail(stop.error());
  }
  return {};
}

Result<ChatReply> LlamaCppLlm::chat(const ChatRequest& request, const std::function<bool(std::string_view)>& on_text,
                                    const StopToken& stop) {
  if (!request.model.empty() && request.model != "default" && request.model != options_.model_name) {
    return fail(Error{ErrorCode::kInvalidArgument,
                      fmt::format("unknown model '{}', this server has '{}'", request.model, options_.model_name),
                      {},
                      "model"});
  }
  MORGAN_TRY(const Json body, own_chat_body(request));
  MORGAN_TRY(const Admission admission, admit());
  MORGAN_CHECK_OK(wait_for_prefill(request.messages, stop));

  ChatReply reply;
  std::optional<Error> broken;
  const auto on_events = [&](std::string_view events) {
    auto piece = read_chat_events(events, reply);
    if (!piece) {
      broken = std::move(piece).error();
      return false;
    }
    if (piece->empty()) return true;
    reply.text += *piece;
    return !on_text || on_text(*piece);
  };
  auto answer = bridge_->chat(dump_json(body), on_events, stop);
  if (broken) return fail(std::move(*broken));
  if (!answer) return fail(std::move(answer).error());
  if (answer->status != 200) return to_failure(*answer);
  for (ToolCall& call : reply.tool_calls)
    call.id = client_call_id(call.id);
  return reply;
}

Result<WireReply> LlamaCppLlm::chat_completions(const std::string& body,
                                                const std::function<bool(std::string_view)>& on_chunk,
                                                const StopToken& stop) {
  WireReply reply;
  const auto client = client_chat_body(body, context_tokens());
  if (!client) {
    reply.status = kStatusInvalid;
    reply.body = openai_error_body(client.error().message, "invalid_request_error", client.error().param,
                                   client.error().reason.empty() ? "invalid_value" : client.error().reason);
    return reply;
  }
  if (client->stream && !on_chunk) return fail(ErrorCode::kInvalidArgument, "a stream needs a receiver");
  MORGAN_TRY(const Admission admission, admit());
  const auto on_events = [&on_chunk](std::string_view events) { return on_chunk(openai_events(events)); };
  MORGAN_TRY(const BridgeReply answer, bridge_->chat(dump_json(client->body), on_events, stop));
  if (answer.status != 200) {
    std::string error = wire_error(answer);
    if (!answer.streamed) {
      reply.status = answer.status;
      reply.body = std::move(error);
      return reply;
    }
    // The status has been sent already; an event is all that is left to say it with.
    if (!on_chunk("data: " + error + "\n\n")) return fail(ErrorCode::kCancelled, "the receiver cancelled");
  }
  if (client->stream) reply.content_type = "text/event-stream";
  if (!client->stream) reply.body = openai_completion(answer.body);
  return reply;
}

Result<void> LlamaCppLlm::prefill(const std::vector<ChatMessage>& messages, const StopToken& stop) {
  if (messages.empty()) return fail(ErrorCode::kInvalidArgument, "nothing to prefill");
  MORGAN_TRY(const Admission admission, admit());
  std::list<std::vector<ChatMessage>>::iterator place;
  {
    const std::scoped_lock lock(mutex_);
    place = prefilling_.insert(prefilling_.end(), messages);
  }
  const auto answer = bridge_->chat(dump_json(prefill_body(messages)), {}, stop);
  {
    const std::scoped_lock lock(mutex_);
    prefilling_.erase(place);
    changed_.notify_all();
  }
  if (!answer) return fail(answer.error());
  if (answer->status != 200) return to_failure(*answer);
  return {};
}

EngineInfo LlamaCppLlm::info() const {
  const BridgeModel& model = bridge_->model();
  EngineInfo info;
  info.role = "llm";
  info.backend = "llama.cpp";
  info.model = options_.model_name;
  info.detail =
      fmt::format("{}, {} M parameters, {}, {} slots of {} tokens", model.quantization, model.parameters / 1'000'000,
                  human_bytes(model.bytes), options_.slots, model.slot_context_tokens);
  return info;
}

}  // namespace

Result<std::unique_ptr<LlmEngine>> load_llama(const LlamaOptions& options) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(options.model, ignored)) {
    return fail(ErrorCode::kNotFound, "language model " + options.model.string() + " does not exist");
  }
  if (options.slots < 1 || options.threads < 1 || options.context_tokens < 1) {
    return fail(ErrorCode::kInvalidArgument, "slots, threads and context_tokens of a language model are at least 1");
  }
  BridgeOptions bridge_options;
  bridge_options.model_path = options.model.string();
  bridge_options.model_name = options.model_name;
  bridge_options.threads = options.threads;
  bridge_options.context_tokens = options.context_tokens;
  bridge_options.slots = options.slots;
  bridge_options.gpu = options.gpu;
  MORGAN_TRY(auto bridge, LlamaBridge::load(bridge_options));
  return std::unique_ptr<LlmEngine>(std::make_unique<LlamaCppLlm>(options, std::move(bridge)));
}

}  // namespace morgan::engines
