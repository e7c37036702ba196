// Routes of the real-time conversation on core: /ws/audio, and the last turns with where their time went.
#pragma once

#include "dialogue/live/live_service.h"
#include "services/api_routes.h"

namespace morgan::services {

/// @param live  outlives the routes
void add_live_routes(ApiRoutes& routes, dialogue::live::LiveService& live);

}  // namespace morgan::services
