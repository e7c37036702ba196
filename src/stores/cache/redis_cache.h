// The cache in Redis or Valkey, shared by several Morgans and kept over their restarts. When the server is away, the
// cache of this process stands in, and what changed meanwhile is written when the server is back.
#pragma once

#include "base/metrics.h"
#include "stores/cache/memory_cache.h"
#include "stores/circuit_breaker.h"

#include <memory>

namespace morgan::stores {

struct RedisOptions {
  std::string url;  ///< redis://[[user]:password@]host[:port][/database]
  std::size_t connections = 8;
  std::size_t memory_bytes = 64'000'000;  ///< of what stands in
  BackoffOptions backoff;
};

/// The server may be away; a wrong password too is told by health() only.
/// @error kInvalidArgument  the url   @error kUnsupported  TLS
Result<std::unique_ptr<Cache>> open_redis_cache(const RedisOptions& options, Metrics& metrics);

}  // namespace morgan::stores
