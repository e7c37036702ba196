// The tables in PostgreSQL by version; the same tables as SQLite's. Private to this folder.
#pragma once

#include "stores/postgres/pg_connection.h"

namespace morgan::stores {

/// The version that this program writes.
long long newest_pg_schema();

/// Brings the database to newest_pg_schema() in one transaction, under an advisory lock: of several replicas that start
/// at once, one migrates and the others wait.
/// @error kCorrupt  of a newer Morgan, or another program's tables   @error kUnavailable   @error kUnauthorized
Result<void> migrate(PgConnection& connection, const std::string& name);

}  // namespace morgan::stores
