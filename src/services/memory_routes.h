// What Morgan remembers of a user, for its owner: list, search, add, change, delete, export, erase.
#pragma once

#include "dialogue/user_memories.h"
#include "services/api_routes.h"

namespace morgan::services {

/// The memories outlive the router.
void add_memory_routes(ApiRoutes& routes, dialogue::UserMemories& memories);

}  // namespace morgan::services
