// Items in the conversations' SQLite file, over a connection of their own.
#pragma once

#include "stores/item_store.h"

#include <filesystem>
#include <memory>

namespace morgan::stores {

/// @error as open_sqlite_store
Result<std::unique_ptr<ItemStore>> open_sqlite_items(const std::filesystem::path& file);

}  // namespace morgan::stores
