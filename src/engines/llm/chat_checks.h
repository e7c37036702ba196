// What a client may not ask of the local model's chat: what llama.cpp would pass over in silence, or refuse in words
// that name no field. client_chat_body() is the one caller.
#pragma once

#include "base/json_util.h"
#include "base/result.h"

#include <string_view>

namespace morgan::engines {

/// What stands before the ids of calls in OpenAI's form. Some templates want their model's own form back, so it is put
/// on when an answer leaves and taken off when it comes again.
inline constexpr std::string_view kCallPrefix = "call_";

/// Checks a chat in OpenAI's form, and writes its messages as llama.cpp reads them: a refusal is text.
/// @error kInvalidArgument  with `param`: "messages[1].content[0].type"
Result<void> check_chat(Json& client);

/// Takes kCallPrefix off the calls in `messages` and off what answers them.
void use_own_call_ids(Json& messages);

}  // namespace morgan::engines
