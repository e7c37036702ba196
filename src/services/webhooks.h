// Tells other programs what happens: a conversation begins or ends, a service fails. Each event is a signed POST to
// every configured address, tried again for a day; what is not delivered yet survives a restart.
#pragma once

#include "base/json_util.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace morgan::services {

struct WebhookOptions {
  std::vector<std::string> urls;
  std::string secret;                            ///< "": not signed
  std::filesystem::path folder;                  ///< of what is not delivered yet
  std::chrono::milliseconds first_retry{1'000};  ///< twice as long each time
  std::chrono::milliseconds last_retry{300'000};
  std::chrono::hours give_up{24};
};

/// @thread any; nothing blocks but the destructor, which ends the try that is under way
class Webhooks {
 public:
  /// Events that may wait for one address; then the oldest goes.
  static constexpr std::size_t kMostWaiting = 1000;

  explicit Webhooks(WebhookOptions options);
  ~Webhooks();
  Webhooks(const Webhooks&) = delete;
  Webhooks& operator=(const Webhooks&) = delete;

  void conversation_start(const std::string& user_id, const std::string& source, const std::string& language);
  void conversation_end(const std::string& user_id, const std::string& source, double seconds);
  void service_error(const std::string& service, const std::string& code, const std::string& request_id);
  /// Not delivered yet.
  std::size_t waiting() const;

 private:
  class Address;
  void send(OrderedJson event);

  std::vector<std::unique_ptr<Address>> addresses_;
};

}  // namespace morgan::services
