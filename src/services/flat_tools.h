// Functions for a model to call, as OpenAI's Realtime and Responses APIs write them: flat, where a chat has them in
// `function`.
#pragma once

#include "services/realtime_fields.h"

namespace morgan::services {

/// Reads `tools` and `tool_choice`; what is absent stays as it is, null empties the list.
/// @param tool_choice  "none", "auto", "required", or {"type": "function", "name"}
/// @error kInvalidArgument  another type, a tool that is no function, more than 128
Result<void> read_flat_tools(const RealtimeFields& fields, Json& tools, Json& tool_choice);

/// For ChatRequest::tools. @param tools  as read_flat_tools took them
std::string chat_tools(const Json& tools);
/// For ChatRequest::tool_choice.
std::string chat_tool_choice(const Json& choice);

}  // namespace morgan::services
