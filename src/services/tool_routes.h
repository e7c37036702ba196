// Tools over HTTP: what there is, calling one, and what they keep of a user: timers, notes, lists.
#pragma once

#include "services/api_routes.h"
#include "stores/item_store.h"
#include "tools/timer_service.h"
#include "tools/tool_agent.h"

namespace morgan::services {

/// All outlive the router.
struct ToolServices {
  tools::ToolAgent* agent = nullptr;
  tools::TimerService* timers = nullptr;
  stores::ItemStore* items = nullptr;
  cctz::time_zone zone;
};

void add_tool_routes(ApiRoutes& routes, const ToolServices& tools);

}  // namespace morgan::services
