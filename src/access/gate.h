// Decides who may come in, for every server of a process: API keys and what they are good for, who needs none, how fast
// one may ask. It is asked by net before a request's body is read (ServerOptions::gate), and writes the audit log.
#pragma once

#include "access/audit_log.h"
#include "access/key_store.h"
#include "access/rate_limiter.h"
#include "net/server.h"

#include <ctime>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace morgan::access {

enum class AuditLevel { kOff, kRefused, kAll };

struct GateOptions {
  std::filesystem::path home;           ///< where keys and audit log are
  bool insecure = false;                ///< nobody needs a key, wherever they are
  bool local_needs_key = false;         ///< this machine itself does, too
  int key_requests_per_minute = 0;      ///< of one key; 0: no limit
  int address_requests_per_minute = 0;  ///< of one address without a good key; 0: no limit
  AuditLevel audit = AuditLevel::kOff;
  std::uint64_t audit_bytes = 10'000'000;  ///< of one file
};

/// @thread any
class Gate {
 public:
  /// Whom a short-lived secret stands for; null: unknown, or its time is over.
  using FindSecret = std::function<std::shared_ptr<const net::Caller>(const std::string& secret)>;
  using Clock = RateLimiter::Clock;

  /// @error kUnavailable, kCorrupt  the file of keys
  static Result<std::unique_ptr<Gate>> open(GateOptions options);

  /// Before the servers start.
  void set_secrets(FindSecret find) { find_secret_ = std::move(find); }
  /// A key that still counts.
  bool has_keys();

  /// For ServerOptions::gate. @param service  "core"
  net::GateAnswer admit(const std::string& service, const net::Request& request, const net::RouteAccess& access);
  net::GateAnswer admit(const std::string& service, const net::Request& request, const net::RouteAccess& access,
                        Clock::time_point now, std::time_t wall_now);

  /// For ServerOptions::still_welcome: whether the key that it came in with still counts.
  bool still_counts(const net::Caller& caller);

  /// For ServerOptions::observer: a request that was let in has been answered.
  void answered(const std::string& service, const net::Request& request, std::string_view pattern, int status,
                double seconds);

 private:
  struct Identity {
    std::shared_ptr<const net::Caller> caller;
    bool limited = true;
  };
  explicit Gate(GateOptions options);
  Result<Identity> identify(const net::Request& request, const net::RouteAccess& access, std::time_t now);
  Result<Identity> with_key(std::string_view key, const net::RouteAccess& access, std::time_t now);
  Result<Identity> with_secret(const std::string& secret, const net::RouteAccess& access, std::time_t now);
  Result<Identity> without_key(const net::Request& request, bool showed_one) const;
  std::optional<RateLimiter::Verdict> take(const net::Request& request, const Result<Identity>& identity,
                                           Clock::time_point now);
  void record_refusal(const std::string& service, const net::Request& request, const Result<Identity>& identity,
                      const Error& error);

  const GateOptions options_;
  KeyStore keys_;
  FindSecret find_secret_;
  std::optional<RateLimiter> by_key_;
  std::optional<RateLimiter> by_address_;
  std::unique_ptr<AuditLog> audit_;  // null: off
};

}  // namespace morgan::access
