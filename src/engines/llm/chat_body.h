// The JSON that goes into and comes out of llama.cpp's server code: what of a client's body reaches
// it, Morgan's own requests, OpenAI's error form, and the events of a stream. No model needed.
#pragma once

#include "base/json_util.h"
#include "engines/llm/chat_messages.h"
#include "engines/llm/llm_engine.h"

#include <string>
#include <string_view>
#include <vector>

namespace morgan::engines {

struct ClientBody {
  Json body;
  bool stream = false;
};

/// Checks a client's /v1/chat/completions body and keeps the fields that clients may set; others are
/// dropped, among them llama.cpp's own switches for slots, adapters and parsers.
/// @param context_tokens  limit of counts that would only cost memory beyond it
/// @error kInvalidArgument  with `param`
Result<ClientBody> client_chat_body(const std::string& text, int context_tokens);

/// A streamed request for `request`. @error kInvalidArgument
Result<Json> own_chat_body(const ChatRequest& request);

/// A request that computes these messages and answers nothing.
Json prefill_body(const std::vector<ChatMessage>& messages);

/// {"error":{"message","type","param","code"}}
std::string openai_error_body(std::string_view message, std::string_view type, std::string_view param,
                              std::string_view code);

/// Adds what the events in `chunk` ("data: {...}\n\n", one or more) say to `reply`.
/// @return the text they carry
/// @error kInternal  no event of a chat completion
Result<std::string> read_chat_events(std::string_view chunk, ChatReply& reply);

}  // namespace morgan::engines
