// OpenAI's chat form of messages and tools, which llama.cpp's server code and every upstream read and write.
#pragma once

#include "base/json_util.h"
#include "engines/llm/llm_engine.h"

#include <vector>

namespace morgan::engines {

/// The messages, with the calls of tools and what these answered.
Json messages_json(const std::vector<ChatMessage>& messages);

/// Adds the request's tools, its choice among them and the schema of its answer to a body. @error kInvalidArgument  not
/// what OpenAI's form has
Result<void> add_tools(const ChatRequest& request, Json& body);

/// Adds the pieces of tool calls in a `delta`, or the whole ones of a `message`.
void take_tool_calls(const Json& part, std::vector<ToolCall>& calls);

}  // namespace morgan::engines
