// Turns that come in pieces over plain HTTP: /audio/stream/start, then chunks, then /end, which transcribes the rest
// and answers. The older API's way; /ws/audio is the better one.
#pragma once

#include "dialogue/conversation_service.h"
#include "services/api_routes.h"

namespace morgan::services {

/// Everything outlives the router. @param vad, tts  may be null
void add_audio_stream_routes(ApiRoutes& routes, dialogue::ConversationService& dialogue, engines::SttEngine& stt,
                             engines::TtsEngine* tts, engines::VadEngine* vad);

}  // namespace morgan::services
