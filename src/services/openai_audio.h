// OpenAI's audio routes, shared by core, tts and stt.
#pragma once

#include "engines/stt/stt_engine.h"
#include "engines/tts/tts_engine.h"
#include "services/api_routes.h"

namespace morgan::services {

/// /v1/audio/speech and /v1/audio/voices. The engine outlives the router.
void add_openai_speech_routes(ApiRoutes& routes, engines::TtsEngine& tts);
/// /v1/audio/transcriptions and /v1/audio/translations. The engine outlives the router.
void add_openai_transcription_routes(ApiRoutes& routes, engines::SttEngine& stt);

}  // namespace morgan::services
