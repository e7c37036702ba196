// The cache of one process: least recently used goes first, bounded by bytes.
#pragma once

#include "stores/cache/cache.h"

#include <functional>
#include <list>
#include <mutex>
#include <unordered_map>

namespace morgan::stores {

class MemoryCache final : public Cache {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  /// @param most_bytes  keys and values   @param now  tests move it
  explicit MemoryCache(std::size_t most_bytes, Clock now = std::chrono::steady_clock::now);
  std::optional<std::string> get(const std::string& key) override;
  void set(const std::string& key, const std::string& value, std::chrono::seconds kept) override;
  void erase(const std::string& key) override;
  std::string description() const override { return "in this process"; }
  std::size_t bytes() const;

 private:
  struct Entry {
    std::string key;
    std::string value;
    std::chrono::steady_clock::time_point until;
  };
  using Entries = std::list<Entry>;
  void drop(Entries::iterator entry);

  const std::size_t most_bytes_;
  const Clock now_;
  mutable std::mutex mutex_;  // guards what follows
  Entries entries_;           // used last first
  std::unordered_map<std::string, Entries::iterator> by_key_;
  std::size_t bytes_ = 0;
};

}  // namespace morgan::stores
