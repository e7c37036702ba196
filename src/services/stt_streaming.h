// Streaming transcription over HTTP (/stream/..., /sessions, /transcribe/realtime) and WebSocket (/ws/stream/{id}).
#pragma once

#include "services/api_routes.h"
#include "services/stt_session.h"

namespace morgan::services {

/// @param sessions shared by the routes, which outlive the caller   @param vad optional
void add_stt_streaming_routes(ApiRoutes& routes, std::shared_ptr<SttSessions> sessions, engines::SttEngine& stt,
                              engines::VadEngine* vad);

}  // namespace morgan::services
