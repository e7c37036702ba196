// Answers that were made already and are asked for again and again: given from memory, without a worker, for some
// seconds. For answers that depend on nothing but the request, such as speech that is kept.
#pragma once

#include "base/metrics.h"
#include "services/api_routes.h"
#include "stores/cache/memory_cache.h"
#include "stores/cache/speech_cache.h"

#include <chrono>
#include <memory>
#include <optional>

namespace morgan::services {

/// @thread any, concurrently
class ReadyAnswers {
 public:
  /// A larger request or answer is not kept.
  static constexpr std::size_t kMostRequest = 8'000;
  static constexpr std::size_t kMostAnswer = 256'000;
  /// Then the request is handled once more, so that what has changed meanwhile (a voice, the order of use on disk)
  /// counts.
  static constexpr std::chrono::seconds kFresh{10};

  explicit ReadyAnswers(
      std::size_t most_bytes, stores::MemoryCache::Clock now = [] { return std::chrono::steady_clock::now(); })
      : answers_(most_bytes, std::move(now)) {}

  /// @param version  of what answers are made of: one that was made of another is not given
  std::optional<net::Response> get(const net::Request& request, std::uint64_t version);
  void put(const net::Request& request, const net::Response& response, std::uint64_t version);

 private:
  stores::MemoryCache answers_;
};

/// From now on `handler`'s answers that came from `cache` are given again from memory, by options.ready.
/// @param cache, metrics  outlive the route
void keep_ready_speech(std::shared_ptr<ReadyAnswers> answers, const stores::SpeechCache* cache, Metrics* metrics,
                       ApiRoutes::Handler& handler, net::RouteOptions& options);

}  // namespace morgan::services
