// Memories in PostgreSQL, beside the conversations. They are searched in this process: the vectors of whom was asked
// about last are kept, and a number of revision tells when another Morgan has written.
#pragma once

#include "stores/memory_store.h"
#include "stores/postgres/postgres_conversation_store.h"

namespace morgan::stores {

/// Connects when it is first used, for the server may be away; open_postgres_store() makes the tables.
/// Every call: @error kUnavailable  the server is away, or the tables are not made yet
/// @error kInvalidArgument  the url
Result<std::unique_ptr<MemoryStore>> open_postgres_memory_store(const PostgresOptions& options);

}  // namespace morgan::stores
