// Ephemeral client secrets: a server asks for one with the settings of a session, and its browser opens that session
// with it. Kept in memory; a restart forgets them.
#pragma once

#include "net/http_types.h"
#include "services/realtime_settings.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace morgan::services {

/// @thread any
class RealtimeSecrets {
 public:
  static constexpr std::size_t kMost = 10'000;  ///< then the one that ends first goes
  using Clock = std::chrono::steady_clock;

  /// @param maker  whom the secret stands for; null: nobody asked   @return the secret, "ek_..."
  std::string add(RealtimeSettings settings, std::shared_ptr<const net::Caller> maker, std::chrono::seconds lifetime,
                  Clock::time_point now = Clock::now());
  /// The settings that it stands for; nullopt: unknown, or its time is over. It may be used again until then.
  std::optional<RealtimeSettings> find(const std::string& secret, Clock::time_point now = Clock::now());
  /// Whom it stands for, for the gate; null: unknown, or its time is over.
  std::shared_ptr<const net::Caller> maker_of(const std::string& secret, Clock::time_point now = Clock::now());

 private:
  struct Entry {
    RealtimeSettings settings;
    std::shared_ptr<const net::Caller> maker;  // shared with the request that made it, and those that show it
    Clock::time_point until;
  };
  /// With mutex_ held. Null: unknown, or its time is over.
  const Entry* entry(const std::string& secret, Clock::time_point now) const;

  std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // guarded by mutex_
};

}  // namespace morgan::services
