// What core remembers of a user: list, show, reset, delete.
#pragma once

#include "dialogue/user_memories.h"
#include "services/api_routes.h"
#include "stores/conversation_store.h"

#include <functional>
#include <string>

namespace morgan::services {

/// The store and the memories outlive the router. @param memories  deleted with a user; null: there are none
/// @param erase_more  deletes what others keep of a user; may be null
void add_conversation_routes(ApiRoutes& routes, stores::ConversationStore& store, dialogue::UserMemories* memories,
                             std::function<Result<long long>(const std::string& user_id)> erase_more);

}  // namespace morgan::services
