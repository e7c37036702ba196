#include "stores/index_cache.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace morgan::stores {

namespace {

/// Of all users together: about 200 MB.
constexpr std::size_t kMostIndexed = 500'000;

}  // namespace

const IndexCache::Entry* IndexCache::find(const std::string& user_id, const std::string& model) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.user_id == user_id && entry.model == model; });
  if (found == entries_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found);
  return &entries_.front();
}

const IndexCache::Entry& IndexCache::add(Entry entry) {
  entries_.remove_if([&entry](const Entry& old) { return old.user_id == entry.user_id && old.model == entry.model; });
  entries_.push_front(std::move(entry));
  drop_the_last_used();
  return entries_.front();
}

void IndexCache::set(const std::string& user_id, long long key, const std::optional<MemoryVector>& vector) {
  for (Entry& entry : entries_) {
    if (entry.user_id == user_id) set(entry, key, vector);
  }
  drop_the_last_used();
}

void IndexCache::set(const std::string& user_id, long long key, const std::optional<MemoryVector>& vector,
                     long long revision) {
  entries_.remove_if([&](const Entry& entry) { return entry.user_id == user_id && entry.revision + 1 != revision; });
  for (Entry& entry : entries_) {
    if (entry.user_id != user_id) continue;
    set(entry, key, vector);
    entry.revision = revision;
  }
  drop_the_last_used();
}

void IndexCache::forget(const std::string& user_id) {
  entries_.remove_if([&](const Entry& entry) { return entry.user_id == user_id; });
}

void IndexCache::set(Entry& entry, long long key, const std::optional<MemoryVector>& vector) {
  const bool belongs = vector && vector->model == entry.model && vector->numbers.size() == entry.index.dimension();
  belongs ? entry.index.set(key, vector->numbers) : entry.index.remove(key);
}

void IndexCache::drop_the_last_used() {
  std::size_t kept = 0;
  auto entry = entries_.begin();
  while (entry != entries_.end()) {
    kept += entry->index.size() + 1;  // an empty one is not for nothing
    // The one that was asked for last stays, whatever its size.
    entry = kept > kMostIndexed && entry != entries_.begin() ? entries_.erase(entry) : std::next(entry);
  }
}

}  // namespace morgan::stores
