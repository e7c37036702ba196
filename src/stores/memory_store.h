// Memories: short facts about a user that outlive every conversation, each with the vector of its meaning.
#pragma once

#include "base/result.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace morgan::stores {

struct StoredMemory {
  std::string memory_id;  ///< set by the store
  std::string user_id;
  std::string content;
  std::string category = "other";  ///< "preference", "work", "family", "date", "place", "other"
  int importance = 5;              ///< 1 to 10
  std::string source;              ///< the sentence that it was taken from; "": it was told by itself
  std::string created_at;          ///< ISO 8601, UTC, milliseconds; set by the store
  std::string updated_at;          ///< likewise
};

/// What a text means. @param model  which made it; vectors of different models have nothing to do with each other
struct MemoryVector {
  std::string model;
  std::vector<float> numbers;
};

struct FoundMemory {
  StoredMemory memory;
  float score = 0;  ///< cosine, -1 to 1
};

struct MemoryPage {
  std::vector<StoredMemory> memories;  ///< the newest first
  long long total = 0;
};

/// @thread any, concurrently
class MemoryStore {
 public:
  /// Of one user; more are refused.
  static constexpr long long kMostOfAUser = 100'000;

  virtual ~MemoryStore() = default;

  /// Durable when it returns. @param vector  nullopt: it will not be found by meaning
  /// @error kTooLarge  the user has kMostOfAUser   @error kUnavailable  disk full, database locked
  virtual Result<StoredMemory> add(StoredMemory memory, const std::optional<MemoryVector>& vector) = 0;
  /// Replaces content, category, importance and vector. @error kNotFound  this user has no such memory
  virtual Result<StoredMemory> change(const StoredMemory& memory, const std::optional<MemoryVector>& vector) = 0;
  /// @error kNotFound  this user has no such memory
  virtual Result<StoredMemory> get(const std::string& user_id, const std::string& memory_id) = 0;
  /// False: there was none.
  virtual Result<bool> remove(const std::string& user_id, const std::string& memory_id) = 0;
  /// Deletes all of a user, for good. @return how many
  virtual Result<long long> erase(const std::string& user_id) = 0;

  virtual Result<MemoryPage> page(const std::string& user_id, long long limit, long long offset) = 0;
  /// Those whose meaning is nearest, the best first. Only what was stored with a vector of this model is found.
  virtual Result<std::vector<FoundMemory>> nearest(const std::string& user_id, const MemoryVector& query,
                                                   std::size_t limit) = 0;
};

}  // namespace morgan::stores
