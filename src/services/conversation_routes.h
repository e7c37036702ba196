// What core remembers of a user: list, show, reset, delete.
#pragma once

#include "services/api_routes.h"
#include "stores/conversation_store.h"

namespace morgan::services {

/// The store outlives the router.
void add_conversation_routes(ApiRoutes& routes, stores::ConversationStore& store);

}  // namespace morgan::services
