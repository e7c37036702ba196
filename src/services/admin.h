// What every service answers about itself.
#pragma once

#include "services/api_routes.h"

#include <functional>

namespace morgan::services {

/// Adds /, /health, /ready, /status, /version, /metrics and /docs; to core /voice.
/// @param more_health adds what only this service tells to /health; may be empty, must not block
void add_admin_routes(ApiRoutes& routes, const std::function<void(OrderedJson&)>& more_health = {});

/// The worst of the parts: required and unhealthy makes unhealthy, else anything not healthy degraded.
HealthStatus overall_health(const std::vector<HealthPart>& parts);
std::string_view to_string(HealthStatus status);

/// "2 d 3 h 4 min 5 s" without leading zero units.
std::string uptime_text(long long seconds);

}  // namespace morgan::services
