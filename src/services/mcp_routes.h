// /mcp on core: the Model Context Protocol over streamable HTTP, with sessions (2024-11-05 to 2025-11-25) and
// without (2026-07-28). Every answer is one JSON message; there is no stream for messages of the server's own.
#pragma once

#include "services/api_routes.h"
#include "services/mcp_tools.h"

namespace morgan::services {

/// What `parts` names outlives the router.
void add_mcp_routes(ApiRoutes& routes, McpParts parts);

}  // namespace morgan::services
