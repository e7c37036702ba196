// OpenAI's Realtime API on core: the WebSocket, and the secrets that a server hands to its browsers.
#pragma once

#include "dialogue/live/live_service.h"
#include "services/api_routes.h"

namespace morgan::services {

/// @param live  outlives the router
void add_realtime_routes(ApiRoutes& routes, dialogue::live::LiveService& live);

}  // namespace morgan::services
