// The wall between Morgan and llama.cpp's server code. llama.cpp carries its own JSON library and
// macros with common names, so llama_bridge.cpp alone includes its headers, and this header speaks only
// in strings, numbers and functions. LlamaCppLlm is the one caller.
#pragma once

#include "base/result.h"
#include "base/stop.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace morgan::engines {

struct BridgeOptions {
  std::string model_path;
  std::string model_name;  ///< shown as "model"
  int threads = 2;
  int context_tokens = 4096;  ///< per slot
  int slots = 2;
  bool gpu = false;  ///< all layers on the GPU
};

/// What the server code answered. A refusal has status >= 400 and error_type, error_message set.
struct BridgeReply {
  int status = 200;
  bool streamed = false;   ///< events were sent before the end, or before the refusal
  std::string body;        ///< chat.completion as JSON; empty when streamed or refused
  std::string error_type;  ///< "invalid_request_error", "exceed_context_size_error", "server_error"
  std::string error_message;
};

struct BridgeModel {
  int slot_context_tokens = 0;  ///< the smaller of the option and what the model was trained with
  std::string quantization;
  std::uint64_t parameters = 0;
  std::uint64_t bytes = 0;
};

class LlamaBridge {
 public:
  /// @error kCorrupt  not a model that llama.cpp can load
  static Result<std::unique_ptr<LlamaBridge>> load(const BridgeOptions& options);

  /// As close().
  ~LlamaBridge();
  LlamaBridge(const LlamaBridge&) = delete;
  LlamaBridge& operator=(const LlamaBridge&) = delete;

  /// One chat completion; `body` is a JSON object of OpenAI's fields and llama.cpp's own.
  /// @param on_events  gets whole SSE events, required when the body has stream: true; false cancels
  /// @error kCancelled, kDeadlineExceeded  the slot is free again   @error kUnavailable  being destroyed
  /// @thread any, concurrently
  Result<BridgeReply> chat(const std::string& body, const std::function<bool(std::string_view)>& on_events,
                           const StopToken& stop);

  /// Stops what runs (those calls return kUnavailable), waits for it, and ends the loop. Once is enough.
  void close();

  const BridgeModel& model() const;

 private:
  struct State;
  explicit LlamaBridge(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace morgan::engines
