#include "app/store_opener.h"

#include "base/file.h"
#include "stores/cache/memory_cache.h"
#include "stores/cache/redis_cache.h"
#include "stores/journal/journaled_store.h"
#include "stores/postgres/postgres_conversation_store.h"
#include "stores/postgres/postgres_memory_store.h"
#include "stores/sqlite/sqlite_conversation_store.h"
#include "stores/sqlite/sqlite_memory_store.h"

namespace morgan::app {

namespace {

constexpr std::size_t kMegabyte = 1'000'000;

}  // namespace

std::filesystem::path sqlite_file(const StoreConfig& config) {
  return config.file.empty() ? morgan_home() / "morgan.db" : std::filesystem::path(config.file);
}

Result<std::unique_ptr<stores::Cache>> open_cache(const CacheConfig& config, Metrics& metrics) {
  const std::size_t bytes = static_cast<std::size_t>(config.memory_mb) * kMegabyte;
  if (!config.url.empty()) {
    stores::RedisOptions options;
    options.url = config.url;
    options.memory_bytes = bytes;
    return stores::open_redis_cache(options, metrics);
  }
  std::unique_ptr<stores::Cache> cache = std::make_unique<stores::MemoryCache>(bytes);
  return cache;
}

Result<std::unique_ptr<stores::SpeechCache>> open_speech_cache(const CacheConfig& config, stores::Cache& cache,
                                                               Metrics& metrics) {
  if (config.speech_mb == 0) return std::unique_ptr<stores::SpeechCache>();
  return stores::SpeechCache::open(morgan_home() / "cache" / "speech",
                                   static_cast<std::uint64_t>(config.speech_mb) * kMegabyte,
                                   config.url.empty() ? nullptr : &cache, metrics);
}

Result<std::unique_ptr<stores::ConversationStore>> open_store(const StoreConfig& config, stores::Cache& cache,
                                                              Metrics& metrics) {
  if (config.url.empty()) return stores::open_sqlite_store(sqlite_file(config));
  MORGAN_CHECK_OK(stores::check_postgres_url(config.url));
  stores::JournaledOptions options;
  options.open = [url = config.url, connections = static_cast<std::size_t>(config.connections)] {
    return stores::open_postgres_store({url, connections});
  };
  options.journal = morgan_home() / "journal" / "writes";
  options.journal_bytes = static_cast<std::uint64_t>(config.journal_mb) * kMegabyte;
  MORGAN_TRY(auto store, stores::JournaledStore::open(std::move(options), cache, metrics));
  std::unique_ptr<stores::ConversationStore> opened = std::move(store);
  return opened;
}

Result<std::unique_ptr<stores::MemoryStore>> open_memory_store(const StoreConfig& config) {
  if (config.url.empty()) return stores::open_sqlite_memory_store(sqlite_file(config));
  return stores::open_postgres_memory_store({config.url, static_cast<std::size_t>(config.connections)});
}

}  // namespace morgan::app
