// How many requests somebody may make: a token bucket each, which holds a minute's worth and fills evenly. The number
// of buckets is bounded: the one that was used least recently goes first.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

namespace morgan::access {

/// @thread any
class RateLimiter {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kMostBuckets = 10'000;

  struct Verdict {
    bool allowed = true;
    long limit = 0;          ///< requests a minute
    long remaining = 0;      ///< now, after this one
    long reset_seconds = 0;  ///< until the bucket is full
    long retry_seconds = 0;  ///< until one more is allowed, when this one is not
  };

  /// @param per_minute  1 or more
  explicit RateLimiter(int per_minute, std::size_t most_buckets = kMostBuckets)
      : per_minute_(per_minute), most_buckets_(most_buckets) {}

  /// Takes one token of the bucket `name`, if there is one.
  Verdict take(const std::string& name, Clock::time_point now);
  std::size_t buckets() const;

 private:
  struct Bucket {
    std::string name;
    double tokens = 0;
    Clock::time_point filled_at;
  };
  Bucket& bucket_of(const std::string& name, Clock::time_point now);

  const double per_minute_;
  const std::size_t most_buckets_;
  mutable std::mutex mutex_;   // guards everything below
  std::list<Bucket> buckets_;  // the most recently used first
  std::unordered_map<std::string, std::list<Bucket>::iterator> by_name_;
};

}  // namespace morgan::access
