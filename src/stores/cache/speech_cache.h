// Speech that was synthesized once, on disk: found again in a few ms, also after a restart. Least recently used goes
// first, bounded by bytes. A cache never fails: a damaged or missing file is a miss.
#pragma once

#include "base/metrics.h"
#include "stores/cache/cache.h"

#include <atomic>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace morgan::stores {

/// @thread any, concurrently
class SpeechCache {
 public:
  /// One piece of speech beyond this is not kept.
  static constexpr std::size_t kMostEach = 8'000'000;

  /// Finds what is there from before; makes the folder, for its owner only.
  /// @param shared  where other Morgans look, too; null: nowhere. It and `metrics` outlive the cache
  /// @error kUnavailable  the folder
  static Result<std::unique_ptr<SpeechCache>> open(const std::filesystem::path& folder, std::uint64_t most_bytes,
                                                   Cache* shared, Metrics& metrics);

  /// @param key  lower-case hexadecimal, see speech_key()
  std::optional<std::string> get(const std::string& key);
  void put(const std::string& key, const std::string& audio);
  std::uint64_t bytes() const;
  /// How often something was put in the place of other speech: what was got before may be another sound now.
  std::uint64_t replaced() const { return replaced_; }

 private:
  struct Entry {
    std::string key;
    std::uint64_t size;
  };
  using Entries = std::list<Entry>;

  SpeechCache(std::filesystem::path folder, std::uint64_t most_bytes, Cache* shared, Metrics& metrics)
      : folder_(std::move(folder)), most_bytes_(most_bytes), shared_(shared), metrics_(metrics) {}
  void find_files();
  std::optional<std::string> read(const std::string& key);
  bool write(const std::string& key, const std::string& audio) const;
  void enter(const std::string& key, std::uint64_t size);
  void forget(const std::string& key);
  std::filesystem::path path_of(const std::string& key) const { return folder_ / key; }

  const std::filesystem::path folder_;
  const std::uint64_t most_bytes_;
  Cache* const shared_;
  Metrics& metrics_;
  std::atomic<std::uint64_t> replaced_{0};
  mutable std::mutex mutex_;  // guards what follows
  Entries entries_;           // used last first
  std::unordered_map<std::string, Entries::iterator> by_key_;
  std::uint64_t bytes_ = 0;
};

}  // namespace morgan::stores
