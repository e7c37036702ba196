// Conversations in PostgreSQL 15 or newer: pooled connections, prepared statements, one round trip per operation,
// migrations by number under an advisory lock. Several Morgans may share one database.
#pragma once

#include "stores/conversation_store.h"

#include <memory>
#include <string>

namespace morgan::stores {

struct PostgresOptions {
  std::string url;               ///< postgresql://user:password@host:port/database
  std::size_t connections = 10;  ///< the most that are open at once
};

/// Connects and migrates forward. No call waits for longer than some seconds.
/// @error kUnavailable  cannot be reached   @error kInvalidArgument  the url   @error kUnauthorized, kNotFound  user,
///        password, database   @error kCorrupt  of a newer Morgan, or another program's
Result<std::unique_ptr<ConversationStore>> open_postgres_store(const PostgresOptions& options);

/// @error kInvalidArgument  not a url that libpq can read
Result<void> check_postgres_url(const std::string& url);

}  // namespace morgan::stores
