// Chooses the cache and the store that the configuration names.
#pragma once

#include "app/app_config.h"
#include "base/metrics.h"
#include "stores/cache/cache.h"
#include "stores/cache/speech_cache.h"
#include "stores/conversation_store.h"
#include "stores/memory_store.h"

#include <filesystem>
#include <memory>

namespace morgan::app {

/// @error kInvalidArgument, kUnsupported  cache.url
Result<std::unique_ptr<stores::Cache>> open_cache(const CacheConfig& config, Metrics& metrics);

/// Null when speech is not to be kept. Other Morgans find it, too, when the cache is shared with them.
/// @error kUnavailable  the folder
Result<std::unique_ptr<stores::SpeechCache>> open_speech_cache(const CacheConfig& config, stores::Cache& cache,
                                                               Metrics& metrics);

/// SQLite's file, or PostgreSQL behind a journal in Morgan's home; `cache` and `metrics` outlive it.
/// @error kInvalidArgument, kUnauthorized, kNotFound  store.url   @error kCorrupt  damaged, or of a newer Morgan
/// @error kConflict  another Morgan uses this home   @error kUnavailable  the file, or the journal
Result<std::unique_ptr<stores::ConversationStore>> open_store(const StoreConfig& config, stores::Cache& cache,
                                                              Metrics& metrics);

/// In the same database; a PostgreSQL that is away is no error here.
/// @error kInvalidArgument  store.url   @error kCorrupt, kUnavailable  SQLite's file
Result<std::unique_ptr<stores::MemoryStore>> open_memory_store(const StoreConfig& config);

/// SQLite's database: all of it, or what PostgreSQL does not keep yet.
std::filesystem::path sqlite_file(const StoreConfig& config);

}  // namespace morgan::app
