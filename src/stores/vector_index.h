// The vectors of one user's memories in memory, searched one by one: exact enough, and at 100,000 still fast (docs/
// memory.md has the figures). One byte a number: the scores of unit vectors are off by less than 0.005.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace morgan::stores {

struct ScoredKey {
  long long key = 0;
  float score = 0;  ///< cosine, -1 to 1
};

/// @thread one at a time for what changes it; nearest() concurrently with itself
class VectorIndex {
 public:
  explicit VectorIndex(std::size_t dimension) : dimension_(dimension) {}

  /// Adds or replaces. @param vector `dimension` long; its length does not matter
  void set(long long key, std::span<const float> vector);
  void remove(long long key);
  /// The `limit` best, the best first.
  std::vector<ScoredKey> nearest(std::span<const float> query, std::size_t limit) const;

  std::size_t size() const { return keys_.size(); }
  std::size_t dimension() const { return dimension_; }

 private:
  std::size_t dimension_;
  std::vector<std::int8_t> numbers_;  // row by row
  std::vector<float> scales_;         // of a row: its numbers times this are a unit vector
  std::vector<long long> keys_;       // of a row
  std::unordered_map<long long, std::size_t> rows_;
};

}  // namespace morgan::stores
