// Language models. Chat in the domain's words for Morgan's own turns, and OpenAI's wire form passed
// through for /v1, because llama.cpp's server code (and every upstream) speaks it natively: tools,
// grammars, logprobs and streaming then work as their authors wrote them.
#pragma once

#include "base/result.h"
#include "base/stop.h"
#include "engines/engine_info.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::engines {

/// A function that the model wants called.
struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  ///< JSON, as the model wrote it
  bool operator==(const ToolCall&) const = default;
};

struct ChatMessage {
  std::string role;  ///< "system", "user", "assistant", "tool"
  std::string content;
  std::vector<ToolCall> tool_calls = {};  ///< of an assistant's message
  std::string tool_call_id = {};          ///< of a tool's message: which call it answers
  bool operator==(const ChatMessage&) const = default;
};

struct ChatRequest {
  std::vector<ChatMessage> messages;
  int max_tokens = 512;
  double temperature = 0.7;
  std::optional<double> top_p;
  std::optional<long long> seed;
  std::vector<std::string> stop_words;
  std::string model;        ///< "" or "default": the engine's own
  std::string tools;        ///< JSON list in OpenAI's chat form; "": none
  std::string tool_choice;  ///< JSON: "auto", "none", "required" or one function; "": the model decides
  std::string json_schema;  ///< the answer is JSON that obeys this schema; "": free text
};

struct ChatUsage {
  int prompt_tokens = 0;
  int cached_tokens = 0;  ///< of prompt_tokens, already in the KV cache
  int completion_tokens = 0;
};

struct ChatReply {
  std::string text;
  std::string finish_reason;  ///< "stop", "length", "tool_calls"
  ChatUsage usage;
  std::vector<ToolCall> tool_calls;
};

/// Raw answer of an OpenAI-form call.
struct WireReply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;  ///< empty when streamed
};

class LlmEngine {
 public:
  virtual ~LlmEngine() = default;

  /// @param on_text called with each piece of text as it is generated; false cancels. May be empty.
  /// @error kInvalidArgument  context too long, unknown model   @error kOverloaded
  /// @error kCancelled, kDeadlineExceeded  (generation has really stopped)
  /// @thread any, concurrently; requests share the batch
  virtual Result<ChatReply> chat(const ChatRequest& request, const std::function<bool(std::string_view)>& on_text,
                                 const StopToken& stop) = 0;

  /// OpenAI's POST /v1/chat/completions, wire in and wire out.
  /// @param body      JSON as the client sent it
  /// @param on_chunk  gets whole SSE events ("data: ...\n\n", last "data: [DONE]\n\n") when the body has
  ///                  stream: true; false cancels
  /// @return status and error body in OpenAI's form for what the model refuses
  virtual Result<WireReply> chat_completions(const std::string& body,
                                             const std::function<bool(std::string_view)>& on_chunk,
                                             const StopToken& stop) = 0;

  /// Puts these messages into the prompt cache, so that a chat beginning with them starts at once.
  /// @error kCancelled  `stop` fired; what was computed until then stays
  virtual Result<void> prefill(const std::vector<ChatMessage>& messages, const StopToken& stop) = 0;

  virtual std::string model_name() const = 0;
  virtual int context_tokens() const = 0;  ///< 0: not known (remote)
  virtual EngineInfo info() const = 0;
};

}  // namespace morgan::engines
