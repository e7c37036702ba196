// OpenAI's Realtime API on core: the WebSocket, calls by WebRTC, and the secrets that a server hands to its browsers.
#pragma once

#include "dialogue/live/live_service.h"
#include "services/api_routes.h"
#include "services/realtime_calls.h"
#include "services/realtime_secrets.h"

#include <memory>

namespace morgan::services {

/// @param live  outlives the router   @param secrets  shared with whoever lets clients in by them
/// @param calls  shared with whoever stops them; null: no WebRTC
void add_realtime_routes(ApiRoutes& routes, dialogue::live::LiveService& live, std::shared_ptr<RealtimeSecrets> secrets,
                         std::shared_ptr<RealtimeCalls> calls);

}  // namespace morgan::services
