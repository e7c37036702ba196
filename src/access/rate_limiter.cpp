#include "access/rate_limiter.h"

#include <algorithm>
#include <cmath>

namespace morgan::access {

namespace {

constexpr double kSecondsPerMinute = 60;

}  // namespace

RateLimiter::Bucket& RateLimiter::bucket_of(const std::string& name, Clock::time_point now) {
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    buckets_.splice(buckets_.begin(), buckets_, found->second);
    return buckets_.front();
  }
  if (buckets_.size() >= most_buckets_) {
    by_name_.erase(buckets_.back().name);
    buckets_.pop_back();
  }
  buckets_.push_front({name, per_minute_, now});
  by_name_.emplace(name, buckets_.begin());
  return buckets_.front();
}

RateLimiter::Verdict RateLimiter::take(const std::string& name, Clock::time_point now) {
  const double per_second = per_minute_ / kSecondsPerMinute;
  const std::lock_guard lock(mutex_);
  Bucket& bucket = bucket_of(name, now);
  // Threads may come here in another order than they looked at the clock.
  const double passed = std::max(0.0, std::chrono::duration<double>(now - bucket.filled_at).count());
  bucket.tokens = std::min(per_minute_, bucket.tokens + passed * per_second);
  bucket.filled_at = std::max(bucket.filled_at, now);
  Verdict verdict;
  verdict.allowed = bucket.tokens >= 1;
  if (verdict.allowed) bucket.tokens -= 1;
  verdict.limit = std::lround(per_minute_);
  verdict.remaining = static_cast<long>(bucket.tokens);
  verdict.reset_seconds = std::lround(std::ceil((per_minute_ - bucket.tokens) / per_second));
  if (!verdict.allowed) verdict.retry_seconds = std::lround(std::ceil((1 - bucket.tokens) / per_second));
  return verdict;
}

std::size_t RateLimiter::buckets() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

}  // namespace morgan::access
