// A request to OpenAI's Responses API as a chat: https://platform.openai.com/docs/api-reference/responses/create.
// Nothing is stored, so what refers to an earlier response, or runs behind the client's back, is refused.
#pragma once

#include "base/json_util.h"
#include "engines/llm/llm_engine.h"

#include <optional>

namespace morgan::services {

struct ResponsesRequest {
  engines::ChatRequest chat;
  bool stream = false;
  // As the client sent it, for the answer, which repeats it.
  std::optional<std::string> instructions;
  std::optional<long long> max_output_tokens;
  Json tools = Json::array();
  Json tool_choice = "auto";
  Json text = {{"format", {{"type", "text"}}}};
  Json metadata = Json::object();
  Json user;
  std::string truncation = "disabled";
  bool parallel_tool_calls = true;
};

/// @param context_tokens  of the model: the most that an answer may have; 0: not known
/// @error kInvalidArgument  names the field by its whole path
Result<ResponsesRequest> read_responses_request(const Json& body, int context_tokens);

}  // namespace morgan::services
