// Memories in Morgan's SQLite file, beside the conversations. Vectors are kept as 32 bit floats and searched in memory:
// a user's are read at the first search, and the least used users' go when too many are there.
#pragma once

#include "stores/memory_store.h"

#include <filesystem>
#include <memory>

namespace morgan::stores {

/// Opens connections of its own. Creates the file when missing, and migrates forward.
/// @error kUnavailable  not writable   @error kCorrupt  not a database, or of a newer Morgan
Result<std::unique_ptr<MemoryStore>> open_sqlite_memory_store(const std::filesystem::path& file);

}  // namespace morgan::stores
