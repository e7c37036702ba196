// A turn of the dialogue over HTTP: one JSON answer, or events as it happens.
#pragma once

#include "base/json_util.h"
#include "dialogue/conversation_service.h"
#include "services/piece_stream.h"

namespace morgan::services {

/// Runs the turn and answers with text, base64 WAV and metadata.
Result<net::Response> whole_turn_response(dialogue::ConversationService& dialogue, const dialogue::TurnRequest& turn,
                                          const StopToken& stop);

/// Events: transcript, text {delta}, audio {audio_data: base64 PCM16, sample_rate}, done {as the JSON answer}.
Result<net::Response> turn_events_response(dialogue::ConversationService& dialogue, dialogue::TurnRequest turn,
                                           const StopToken& stop);

/// Everything of the JSON answer but the audio.
OrderedJson turn_json(const dialogue::TurnRequest& turn, const dialogue::TurnResult& result);

}  // namespace morgan::services
