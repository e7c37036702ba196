// Conversations in one SQLite file: WAL, synchronous=FULL, one writer connection, migrations by number.
#pragma once

#include "stores/conversation_store.h"

#include <filesystem>
#include <memory>

namespace morgan::stores {

/// Creates the file and its folder when missing, and migrates forward.
/// @error kUnavailable  not writable   @error kCorrupt  not a database, or of a newer Morgan
Result<std::unique_ptr<ConversationStore>> open_sqlite_store(const std::filesystem::path& file);

}  // namespace morgan::stores
