// The database's tables by version. Private to this folder.
#pragma once

#include "stores/sqlite/sqlite_connection.h"

namespace morgan::stores {

/// The version that this program writes.
long long newest_schema();

/// Brings the database to newest_schema(), in one transaction; several processes may do so at once.
/// @error kCorrupt  of a newer Morgan, or another program's database
Result<void> migrate(Connection& connection, const std::filesystem::path& file);

}  // namespace morgan::stores
