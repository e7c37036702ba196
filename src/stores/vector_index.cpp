#include "stores/vector_index.h"

#include <algorithm>
#include <cmath>

namespace morgan::stores {

namespace {

constexpr float kLargest = 127;
/// As fine as a query's numbers can be without overflow of 32 bits: 127 * 8191 * 2,000 numbers.
constexpr float kLargestWanted = 8191;

float largest_of(std::span<const float> vector) {
  float largest = 0;
  for (const float number : vector)
    largest = std::max(largest, std::abs(number));
  return largest;
}

float length_of(std::span<const float> vector) {
  float sum = 0;
  for (const float number : vector)
    sum += number * number;
  return std::sqrt(sum);
}

std::int32_t dot(const std::int8_t* row, const std::int16_t* query, std::size_t count) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < count; ++i)
    sum += static_cast<std::int32_t>(row[i]) * static_cast<std::int32_t>(query[i]);
  return sum;
}

}  // namespace

void VectorIndex::set(long long key, std::span<const float> vector) {
  const auto [place, is_new] = rows_.try_emplace(key, keys_.size());
  if (is_new) {
    keys_.push_back(key);
    scales_.push_back(0);
    numbers_.resize(numbers_.size() + dimension_);
  }
  const float largest = largest_of(vector);
  const float length = length_of(vector);
  std::int8_t* row = numbers_.data() + place->second * dimension_;
  const float step = largest > 0 ? kLargest / largest : 0;
  for (std::size_t i = 0; i < dimension_; ++i)
    row[i] = static_cast<std::int8_t>(std::lround(vector[i] * step));
  scales_[place->second] = length > 0 ? largest / kLargest / length : 0;
}

void VectorIndex::remove(long long key) {
  const auto found = rows_.find(key);
  if (found == rows_.end()) return;
  const std::size_t row = found->second;
  const std::size_t last = keys_.size() - 1;
  if (row != last) {
    const auto begin = numbers_.begin();
    std::copy_n(begin + static_cast<std::ptrdiff_t>(last * dimension_), dimension_,
                begin + static_cast<std::ptrdiff_t>(row * dimension_));
    scales_[row] = scales_[last];
    keys_[row] = keys_[last];
    rows_[keys_[row]] = row;
  }
  rows_.erase(found);
  keys_.pop_back();
  scales_.pop_back();
  numbers_.resize(last * dimension_);
}

std::vector<ScoredKey> VectorIndex::nearest(std::span<const float> query, std::size_t limit) const {
  const float largest = largest_of(query);
  const float length = length_of(query);
  if (largest <= 0 || limit == 0) return {};
  std::vector<std::int16_t> wanted(dimension_);
  const float step = kLargestWanted / largest;
  for (std::size_t i = 0; i < dimension_; ++i)
    wanted[i] = static_cast<std::int16_t>(std::lround(query[i] * step));
  const float scale = largest / kLargestWanted / length;

  const auto better = [](const ScoredKey& a, const ScoredKey& b) { return a.score > b.score; };
  std::vector<ScoredKey> best;  // a heap whose front is the worst
  for (std::size_t row = 0; row < keys_.size(); ++row) {
    const auto sum = static_cast<float>(dot(numbers_.data() + row * dimension_, wanted.data(), dimension_));
    const ScoredKey found{keys_[row], sum * scales_[row] * scale};
    if (best.size() == limit && found.score <= best.front().score) continue;
    if (best.size() == limit) {
      std::pop_heap(best.begin(), best.end(), better);
      best.pop_back();
    }
    best.push_back(found);
    std::push_heap(best.begin(), best.end(), better);
  }
  std::sort_heap(best.begin(), best.end(), better);
  return best;
}

}  // namespace morgan::stores
