#include "app/entrance.h"

#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"
#include "net/loopback.h"

#include <fmt/format.h>

namespace morgan::app {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kMegabyte = 1'000'000;

access::AuditLevel audit_level(const std::string& word) {
  if (word == "all") return access::AuditLevel::kAll;
  return word == "refused" ? access::AuditLevel::kRefused : access::AuditLevel::kOff;
}

access::GateOptions gate_options(const AppConfig& config) {
  access::GateOptions options;
  options.home = morgan_home();
  options.insecure = config.server.insecure;
  options.local_needs_key = config.access.local_needs_key;
  options.key_requests_per_minute = config.access.key_requests_per_minute;
  options.address_requests_per_minute = config.access.address_requests_per_minute;
  options.audit = audit_level(config.access.audit);
  options.audit_bytes = static_cast<std::uint64_t>(config.access.audit_max_mb) * kMegabyte;
  return options;
}

Result<std::vector<std::string>> origins_of(const std::string& list) {
  std::vector<std::string> origins;
  for (const std::string& entry : split(list, ',')) {
    const std::string origin(trim(entry));
    if (origin.empty()) continue;
    const std::size_t scheme = origin.find("://");
    const bool whole = scheme != std::string::npos && origin.find('/', scheme + 3) == std::string::npos;
    if (origin != "*" && !whole) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("access.allowed_origins has '{}'; an origin is like https://app.example:8443, without a "
                              "path",
                              origin));
    }
    origins.push_back(origin);
  }
  return origins;
}

Result<std::shared_ptr<net::TlsIdentity>> tls_of(const TlsConfig& config) {
  if (!config.enabled) return std::shared_ptr<net::TlsIdentity>();
  const auto [certificate, key] = tls_files(config);
  // Without a word in the configuration, the certificate in Morgan's home counts when it is there.
  const bool named = !config.certificate.empty() || !config.key.empty();
  if (!named && !fs::exists(certificate)) return std::shared_ptr<net::TlsIdentity>();
  return net::TlsIdentity::load(certificate, key);
}

Failure nobody_said_so(std::string_view setting, const std::string& host) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is {}, so others than this machine could come in, and there is no API key{}. Create one "
                          "with `morgan keys create --user NAME`, or say that everybody may come in with "
                          "`morgan serve --insecure` (server.insecure = true)",
                          setting, host, setting == "server.host" ? " that they would need" : ""));
}

/// Nobody is let in by mistake.
Result<void> check_exposure(const AppConfig& config, access::Gate& gate, bool encrypted) {
  const std::string& host = config.server.host;
  if (net::is_loopback_host(host)) return {};
  if (config.server.insecure) {
    log::warn("access",
              "whoever reaches this machine may use Morgan and read every conversation: server.insecure is set",
              {{"host", host}});
    return {};
  }
  if (!gate.has_keys()) return nobody_said_so("server.host", host);
  if (!encrypted) {
    log::warn("access", "keys and speech cross the network in the clear; `morgan tls self-signed` makes a certificate",
              {{"host", host}});
  }
  return {};
}

/// Wyoming asks for no key; but who has made one, or has said that everybody may come in, has thought of it.
Result<void> check_wyoming_exposure(const AppConfig& config, access::Gate& gate) {
  const std::string host = wyoming_host(config);
  if (net::is_loopback_host(host)) return {};
  if (!config.server.insecure && !gate.has_keys()) return nobody_said_so("wyoming.host", host);
  log::warn("access", "Wyoming has no keys: whoever reaches its port may use Morgan by it", {{"host", host}});
  return {};
}

}  // namespace

std::pair<fs::path, fs::path> tls_files(const TlsConfig& config) {
  const fs::path folder = morgan_home() / "tls";
  return {config.certificate.empty() ? folder / "cert.pem" : fs::path(config.certificate),
          config.key.empty() ? folder / "key.pem" : fs::path(config.key)};
}

std::string wyoming_host(const AppConfig& config) {
  if (!config.wyoming.host.empty()) return config.wyoming.host;
  const bool follows = config.server.insecure || net::is_loopback_host(config.server.host);
  return follows ? config.server.host : "127.0.0.1";
}

Result<Entrance> open_entrance(const AppConfig& config, bool serves_wyoming) {
  Entrance entrance;
  MORGAN_TRY(entrance.allowed_origins, origins_of(config.access.allowed_origins));
  MORGAN_TRY(entrance.tls, tls_of(config.tls));
  MORGAN_TRY(entrance.gate, access::Gate::open(gate_options(config)));
  MORGAN_CHECK_OK(check_exposure(config, *entrance.gate, entrance.tls != nullptr));
  if (serves_wyoming) MORGAN_CHECK_OK(check_wyoming_exposure(config, *entrance.gate));
  return entrance;
}

}  // namespace morgan::app
