#include "services/realtime_secrets.h"

#include "base/ids.h"
#include "net/credentials.h"

#include <algorithm>
#include <utility>

namespace morgan::services {

std::string RealtimeSecrets::add(RealtimeSettings settings, std::shared_ptr<const net::Caller> maker,
                                 std::chrono::seconds lifetime, Clock::time_point now) {
  std::string secret = random_id(std::string(net::kClientSecretPrefix));
  const std::scoped_lock lock(mutex_);
  std::erase_if(entries_, [now](const auto& entry) { return entry.second.until <= now; });
  if (entries_.size() >= kMost) {
    entries_.erase(std::min_element(entries_.begin(), entries_.end(),
                                    [](const auto& a, const auto& b) { return a.second.until < b.second.until; }));
  }
  entries_.emplace(secret, Entry{std::move(settings), std::move(maker), now + lifetime});
  return secret;
}

std::optional<RealtimeSettings> RealtimeSecrets::find(const std::string& secret, Clock::time_point now) {
  const std::scoped_lock lock(mutex_);
  const Entry* const found = entry(secret, now);
  return found != nullptr ? std::optional(found->settings) : std::nullopt;
}

std::shared_ptr<const net::Caller> RealtimeSecrets::maker_of(const std::string& secret, Clock::time_point now) {
  const std::scoped_lock lock(mutex_);
  const Entry* const found = entry(secret, now);
  if (found == nullptr) return nullptr;
  return found->maker ? found->maker : std::make_shared<const net::Caller>();
}

const RealtimeSecrets::Entry* RealtimeSecrets::entry(const std::string& secret, Clock::time_point now) const {
  const auto found = entries_.find(secret);
  return found == entries_.end() || found->second.until <= now ? nullptr : &found->second;
}

}  // namespace morgan::services
