// What core remembers of a user: list, show, reset, delete.
#pragma once

#include "dialogue/user_memories.h"
#include "services/api_routes.h"
#include "stores/conversation_store.h"

namespace morgan::services {

/// The store and the memories outlive the router. @param memories  deleted with a user; null: there are none
void add_conversation_routes(ApiRoutes& routes, stores::ConversationStore& store, dialogue::UserMemories* memories);

}  // namespace morgan::services
