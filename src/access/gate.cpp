#include "access/gate.h"

#include "access/client_address.h"
#include "base/log.h"
#include "base/strings.h"
#include "net/credentials.h"

#include <algorithm>

namespace morgan::access {

namespace {

constexpr std::string_view kForbidden = "FORBIDDEN";
constexpr std::string_view kRateLimited = "RATE_LIMITED";
constexpr double kMillisecondsPerSecond = 1e3;

std::shared_ptr<const net::Caller> caller_of(const ApiKey& key) {
  return std::make_shared<const net::Caller>(net::Caller{key.id, key.user});
}

Failure forbidden(std::string message) {
  return fail(Error{ErrorCode::kUnauthorized, std::move(message), std::string(kForbidden)});
}

/// What a key is asked for by: one that is missing here reads how to get one.
Failure key_needed(std::string message) {
  return fail(ErrorCode::kUnauthorized,
              std::move(message) +
                  ": send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'; `morgan keys "
                  "create` makes one");
}

net::Headers rate_headers(const RateLimiter::Verdict& verdict) {
  net::Headers headers{{"X-RateLimit-Limit", std::to_string(verdict.limit)},
                       {"X-RateLimit-Remaining", std::to_string(verdict.remaining)},
                       {"X-RateLimit-Reset", std::to_string(verdict.reset_seconds)}};
  if (!verdict.allowed) headers.emplace("Retry-After", std::to_string(verdict.retry_seconds));
  return headers;
}

Error too_fast(const RateLimiter::Verdict& verdict) {
  return {ErrorCode::kOverloaded,
          "too many requests: " + std::to_string(verdict.limit) + " a minute are allowed; the next one in " +
              std::to_string(verdict.retry_seconds) + " s",
          std::string(kRateLimited)};
}

/// The file is broken: whom it lets in is not known. Clients are not told what is in it.
Failure unreadable() {
  return fail(ErrorCode::kUnavailable, "the keys cannot be read; the server's log says why");
}

bool counts(const Keys& keys, const std::string& id, std::time_t now) {
  const auto key = keys.find(id);
  return key != keys.end() && !key->second.has_expired(now);
}

}  // namespace

Gate::Gate(GateOptions options) : options_(std::move(options)), keys_(KeyStore::file_of(options_.home)) {
  if (options_.key_requests_per_minute > 0) by_key_.emplace(options_.key_requests_per_minute);
  if (options_.address_requests_per_minute > 0) by_address_.emplace(options_.address_requests_per_minute);
  if (options_.audit == AuditLevel::kOff) return;
  audit_ = std::make_unique<AuditLog>(AuditFile::file_of(options_.home), options_.audit_bytes);
}

Result<std::unique_ptr<Gate>> Gate::open(GateOptions options) {
  std::unique_ptr<Gate> gate(new Gate(std::move(options)));
  MORGAN_TRY(const auto keys, gate->keys_.keys());
  static_cast<void>(keys);
  return gate;
}

bool Gate::has_keys() {
  const auto keys = keys_.keys();
  const std::time_t now = std::time(nullptr);
  return keys && std::any_of((*keys)->begin(), (*keys)->end(),
                             [now](const auto& entry) { return !entry.second.has_expired(now); });
}

net::GateAnswer Gate::admit(const std::string& service, const net::Request& request, const net::RouteAccess& access) {
  return admit(service, request, access, Clock::now(), std::time(nullptr));
}

net::GateAnswer Gate::admit(const std::string& service, const net::Request& request, const net::RouteAccess& access,
                            Clock::time_point now, std::time_t wall_now) {
  const Result<Identity> identity = identify(request, access, wall_now);
  net::GateAnswer answer;
  const auto verdict = take(request, identity, now);
  if (verdict) answer.headers = rate_headers(*verdict);
  if (verdict && !verdict->allowed) {
    answer.refused = too_fast(*verdict);
  } else if (!identity) {
    answer.refused = identity.error();
    const bool without = identity.error().code == ErrorCode::kUnauthorized && identity.error().reason.empty();
    if (without) answer.headers.emplace("WWW-Authenticate", "Bearer");
  } else {
    answer.caller = identity->caller;
  }
  if (answer.refused) record_refusal(service, request, identity, *answer.refused);
  return answer;
}

// What has the form of a key or a secret of Morgan's must be good; anything else (SDKs insist on sending something)
// counts as none.
Result<Gate::Identity> Gate::identify(const net::Request& request, const net::RouteAccess& access, std::time_t now) {
  const std::string shown = net::offered_key(request);
  if (KeyStore::is_key(shown)) return with_key(shown, access, now);
  if (net::is_client_secret(shown)) return with_secret(shown, access, now);
  return without_key(request, !shown.empty());
}

Result<Gate::Identity> Gate::with_key(std::string_view key, const net::RouteAccess& access, std::time_t now) {
  auto known = keys_.check(key, now);
  if (!known && known.error().code != ErrorCode::kUnauthorized) return unreadable();
  if (!known) return fail(known.error());
  if (known->is_good_for(access.scope)) return Identity{caller_of(*known), true};
  return forbidden("this key is good for " + join(known->scopes, ", ") +
                   "; this address asks for one that is good for " + access.scope);
}

Result<Gate::Identity> Gate::with_secret(const std::string& secret, const net::RouteAccess& access, std::time_t now) {
  if (!access.takes_client_secret) {
    return fail(ErrorCode::kUnauthorized, "a client secret opens a Realtime session and nothing else");
  }
  const auto caller = find_secret_ ? find_secret_(secret) : nullptr;
  if (!caller) {
    return fail(ErrorCode::kUnauthorized, "this client secret is not known, or its time is over; ask for another");
  }
  if (caller->key.empty()) return Identity{caller, true};
  // It is worth what the key that made it is worth now.
  const auto keys = keys_.keys();
  if (!keys) return unreadable();
  if (!counts(**keys, caller->key, now)) {
    return fail(ErrorCode::kUnauthorized, "the key that made this client secret counts no longer");
  }
  return Identity{caller, true};
}

Result<Gate::Identity> Gate::without_key(const net::Request& request, bool showed_one) const {
  const auto nobody = std::make_shared<const net::Caller>();
  if (options_.insecure) return Identity{nobody, !request.from_here};
  if (request.from_here && !options_.local_needs_key) {
    if (is_first_hand(request) && names_this_machine(request.header("Host"))) return Identity{nobody, false};
    return key_needed("a request that a proxy passed on, or whose Host is not this machine, needs an API key");
  }
  return key_needed(showed_one ? "this is no API key of this Morgan, which needs one" : "an API key is needed here");
}

std::optional<RateLimiter::Verdict> Gate::take(const net::Request& request, const Result<Identity>& identity,
                                               Clock::time_point now) {
  const bool by_key = identity && !identity->caller->key.empty();
  if (by_key) return by_key_ ? std::optional(by_key_->take(identity->caller->key, now)) : std::nullopt;
  if (!by_address_ || (identity && !identity->limited)) return std::nullopt;
  return by_address_->take(network_of(request.peer), now);
}

void Gate::record_refusal(const std::string& service, const net::Request& request, const Result<Identity>& identity,
                          const Error& error) {
  if (!audit_) return;
  constexpr std::size_t kMostPath = 200;
  std::string path = is_valid_utf8(request.path) ? request.path : "not UTF-8";
  cut_utf8(path, kMostPath);
  OrderedJson event{{"event", "refused"},
                    {"service", service},
                    {"address", request.peer},
                    {"method", net::to_string(request.method)},
                    {"path", std::move(path)},
                    {"why", error.message},
                    {"request_id", request.request_id}};
  if (identity && !identity->caller->key.empty()) event["key"] = identity->caller->key;
  audit_->record(std::move(event));
}

bool Gate::still_counts(const net::Caller& caller) {
  if (caller.key.empty()) return true;
  const auto keys = keys_.keys();
  // A file that is broken for a moment throws nobody out.
  return !keys || counts(**keys, caller.key, std::time(nullptr));
}

void Gate::answered(const std::string& service, const net::Request& request, std::string_view pattern, int status,
                    double seconds) {
  // What this machine asks of itself without a key is nobody's business.
  if (!audit_ || !request.caller || (request.caller->key.empty() && request.from_here)) return;
  constexpr int kFirstRefusal = 400;
  if (options_.audit == AuditLevel::kRefused && status < kFirstRefusal) return;
  audit_->record(OrderedJson{{"event", "request"},
                             {"service", service},
                             {"address", request.peer},
                             {"key", request.caller->key},
                             {"user", request.caller->user},
                             {"method", net::to_string(request.method)},
                             {"route", pattern},
                             {"status", status},
                             {"ms", static_cast<long long>(seconds * kMillisecondsPerSecond)},
                             {"request_id", request.request_id}});
}

}  // namespace morgan::access
