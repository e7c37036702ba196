// What may be forgotten at any moment, for a while: windows of conversations, what is known of users. A cache never
// fails: what it cannot give is a miss.
#pragma once

#include "stores/conversation_store.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace morgan::stores {

// How long things are kept, as in the older Morgan.
inline constexpr std::chrono::seconds kConversationKept{3600};
inline constexpr std::chrono::seconds kProfileKept{24 * 3600};

/// What the keys of synthesized speech begin with: large, made anew when it is gone, never changed.
inline constexpr std::string_view kSpeechKeys = "speech:";

/// @thread any, concurrently
class Cache {
 public:
  virtual ~Cache() = default;
  virtual std::optional<std::string> get(const std::string& key) = 0;
  virtual void set(const std::string& key, const std::string& value, std::chrono::seconds kept) = 0;
  virtual void erase(const std::string& key) = 0;
  /// For /health, on a thread that must not wait: no network.
  virtual StoreHealth health() const { return {}; }
  virtual std::string description() const = 0;
};

}  // namespace morgan::stores
