// Audio that comes in chunks over HTTP, as the stt service (/stream/...) and core (/audio/stream/...) both take it.
#pragma once

#include "services/fields.h"
#include "services/stt_session.h"

#include <string>
#include <string_view>

namespace morgan::services {

Failure invalid_chunk(std::string message);

/// Field sample_rate; 0 when absent. @error kInvalidArgument
Result<int> read_chunk_rate(const Fields& fields);
/// Fields language, prompt and sample_rate. @error kInvalidArgument
Result<SttSessionOptions> read_session_options(const Fields& fields);
/// @error kInvalidArgument  more than 128 letters, digits, '-', '_' and '.'
Result<std::string> check_session_id(std::string id);
/// The audio of one chunk, wherever the client put it. @error kInvalidArgument  none
Result<std::string> read_chunk(const net::Request& request, const Fields& fields);
/// @param bytes  PCM16, or a whole small file   @param rate_hz  of PCM; 0: the session's
/// @error kInvalidArgument, kTooLarge  the session is as before
Result<void> push_chunk(SttSession& session, std::string_view bytes, int rate_hz, double max_seconds);
OrderedJson partial_json(const SttSession& session, const SessionText& text);

}  // namespace morgan::services
