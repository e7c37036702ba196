// Ephemeral client secrets: a server asks for one with the settings of a session, and its browser opens that session
// with it. Kept in memory; a restart forgets them.
#pragma once

#include "services/realtime_settings.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace morgan::services {

/// @thread any
class RealtimeSecrets {
 public:
  static constexpr std::size_t kMost = 10'000;  ///< then the one that ends first goes
  using Clock = std::chrono::steady_clock;

  /// @return the secret, "ek_..."
  std::string add(RealtimeSettings settings, std::chrono::seconds lifetime, Clock::time_point now = Clock::now());
  /// The settings that it stands for; nullopt: unknown, or its time is over. It may be used again until then.
  std::optional<RealtimeSettings> find(const std::string& secret, Clock::time_point now = Clock::now());

  static bool is_secret(std::string_view key) { return key.starts_with("ek_"); }

 private:
  struct Entry {
    RealtimeSettings settings;
    Clock::time_point until;
  };
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // guarded by mutex_
};

}  // namespace morgan::services
