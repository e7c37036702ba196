#include "stores/cache/memory_cache.h"

#include <utility>

namespace morgan::stores {

MemoryCache::MemoryCache(std::size_t most_bytes, Clock now) : most_bytes_(most_bytes), now_(std::move(now)) {}

void MemoryCache::drop(Entries::iterator entry) {
  bytes_ -= entry->key.size() + entry->value.size();
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

std::optional<std::string> MemoryCache::get(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  if (now_() >= found->second->until) {
    drop(found->second);
    return std::nullopt;
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->value;
}

void MemoryCache::set(const std::string& key, const std::string& value, std::chrono::seconds kept) {
  const std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) drop(found->second);
  const std::size_t size = key.size() + value.size();
  if (size > most_bytes_) return;
  while (bytes_ + size > most_bytes_)
    drop(std::prev(entries_.end()));
  entries_.push_front({key, value, now_() + kept});
  by_key_[key] = entries_.begin();
  bytes_ += size;
}

void MemoryCache::erase(const std::string& key) {
  const std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) drop(found->second);
}

std::size_t MemoryCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace morgan::stores
