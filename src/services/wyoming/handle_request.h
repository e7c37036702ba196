// transcript as a request: what Morgan answers to it, while it is written.
#pragma once

#include "base/json_util.h"
#include "services/wyoming/wyoming_outlet.h"
#include "services/wyoming/wyoming_parts.h"

#include <string>

namespace morgan::services {

/// The user under which a Wyoming conversation is kept. @param id  context.conversation_id of the client
std::string wyoming_user(const std::string& id);

/// Sends handled-start, handled-chunk and so on, handled, handled-stop; or not-handled, when no answer could be made.
/// @param data             of transcript
/// @param own_conversation  the connection's, for a request that names none; it is told in the answer's context
/// @error kInvalidArgument  the request is wrong; nothing was sent
Result<void> answer_transcript(const WyomingParts& parts, const WyomingOutlet& out, const Json& data,
                               const std::string& own_conversation);

}  // namespace morgan::services
