// Small things that are kept for a user beside the conversation: timers, notes, entries of lists. The store knows them
// by kind and id; what is in them is their tool's.
#pragma once

#include "base/result.h"

#include <string>
#include <vector>

namespace morgan::stores {

struct StoredItem {
  std::string kind;  ///< "timer", "note", "list"
  std::string id;    ///< unique within the kind
  std::string user_id;
  std::string body = "{}";  ///< JSON object
  std::string created_at;   ///< ISO 8601, UTC; set by the store
};

/// @thread any, concurrently
class ItemStore {
 public:
  /// Of one user and kind.
  static constexpr long long kMostItems = 1'000;

  virtual ~ItemStore() = default;

  /// Adds these, or replaces the bodies of those that are there, in one transaction; durable when it returns.
  /// @error kOverloaded  kMostItems; nothing was written   @error kUnavailable  disk full, database locked
  virtual Result<void> put(const std::vector<StoredItem>& items) = 0;
  /// Deletes those that are there. @return how many
  virtual Result<long long> remove(const std::string& kind, const std::vector<std::string>& ids) = 0;
  /// In the order in which they were added. @param user_id  "": everybody's
  virtual Result<std::vector<StoredItem>> list(const std::string& kind, const std::string& user_id) = 0;
  /// Deletes everything of the user, for good. @return items deleted
  virtual Result<long long> erase(const std::string& user_id) = 0;
};

}  // namespace morgan::stores
