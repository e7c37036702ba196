// The vectors of a few users in memory, for the stores of memories: those that were searched last.
#pragma once

#include "stores/memory_store.h"
#include "stores/vector_index.h"

#include <list>
#include <string>

namespace morgan::stores {

/// @thread one at a time
class IndexCache {
 public:
  struct Entry {
    std::string user_id;
    std::string model;
    long long revision = 0;  ///< of the user's memories that are in it; always 0 where nobody else writes
    VectorIndex index;
  };

  /// Null: it must be read first.
  const Entry* find(const std::string& user_id, const std::string& model);
  const Entry& add(Entry entry);

  /// One memory has this vector now, or none.
  void set(const std::string& user_id, long long key, const std::optional<MemoryVector>& vector);
  /// The same, by the write that made this revision. What does not have all writes before it is dropped.
  void set(const std::string& user_id, long long key, const std::optional<MemoryVector>& vector, long long revision);
  void forget(const std::string& user_id);

 private:
  static void set(Entry& entry, long long key, const std::optional<MemoryVector>& vector);
  void drop_the_last_used();

  std::list<Entry> entries_;  // the last used first
};

}  // namespace morgan::stores
