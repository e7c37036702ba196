// Answers that were made already and are asked for again and again: given from memory, without a worker, for some
// seconds. For answers that depend on nothing but the request, such as speech that is kept.
#pragma once

#include "base/metrics.h"
#include "services/api_routes.h"
#include "stores/cache/speech_cache.h"

#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace morgan::services {

/// The least recently used goes first, bounded by bytes. @thread any, concurrently
class ReadyAnswers {
 public:
  using Clock = std::chrono::steady_clock;
  /// A larger request or answer is not kept.
  static constexpr std::size_t kMostRequest = 8'000;
  static constexpr std::size_t kMostAnswer = 256'000;
  /// Then the request is handled once more, so that what has changed meanwhile (a voice, the order of use on disk)
  /// counts.
  static constexpr std::chrono::seconds kFresh{10};

  explicit ReadyAnswers(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  /// @param version  of what answers are made of: one that was made of another is not given
  std::optional<net::Response> get(const net::Request& request, std::uint64_t version, Clock::time_point now);
  void put(const net::Request& request, const net::Response& response, std::uint64_t version, Clock::time_point now);
  std::size_t bytes() const;

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const net::Response> response;  // shared with who copies it, outside the lock
    std::uint64_t version = 0;
    Clock::time_point until;
    std::size_t size = 0;
  };
  using Entries = std::list<Entry>;

  void drop(Entries::iterator entry);

  const std::size_t most_bytes_;
  mutable std::mutex mutex_;  // guards what follows
  Entries entries_;           // used last first
  std::unordered_map<std::string, Entries::iterator> by_key_;
  std::size_t bytes_ = 0;
};

/// From now on `handler`'s answers that came from `cache` are given again from memory, by options.ready.
/// @param cache, metrics  outlive the route
void keep_ready_speech(std::shared_ptr<ReadyAnswers> answers, const stores::SpeechCache* cache, Metrics* metrics,
                       ApiRoutes::Handler& handler, net::RouteOptions& options);

}  // namespace morgan::services
