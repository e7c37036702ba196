// morgan tls: a certificate, so that HTTPS and WSS can be had at once.
#include "app/entrance.h"
#include "base/strings.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "net/host.h"
#include "net/self_signed.h"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iostream>

namespace morgan::cli {

namespace {

namespace fs = std::filesystem;

struct SelfSignedCommand {
  std::vector<std::string> names;
  int days = net::SelfSignedOptions{}.days;
  bool force = false;
};

void add_name(std::vector<std::string>& names, std::string name) {
  if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
}

/// The addresses of this machine's interfaces, but those that mean something on one link only.
std::vector<std::string> own_addresses() {
  std::vector<std::string> addresses;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return addresses;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owned(all, &::freeifaddrs);
  for (const ifaddrs* at = all; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || (at->ifa_flags & IFF_UP) == 0) continue;
    const int family = at->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(at->ifa_addr, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) continue;
    const std::string address(text.data());
    if (address.find('%') == std::string::npos) add_name(addresses, address);
  }
  return addresses;
}

std::vector<std::string> names_of_this_machine() {
  std::vector<std::string> names;
  if (const std::string host = net::own_host_name(); !host.empty()) {
    add_name(names, host);
    if (host.find('.') == std::string::npos) add_name(names, host + ".local");
  }
  for (const char* name : {"localhost", "127.0.0.1", "::1"})
    add_name(names, name);
  for (std::string& address : own_addresses())
    add_name(names, std::move(address));
  return names;
}

Result<void> self_signed(const Context& context, const SelfSignedCommand& wanted) {
  MORGAN_TRY(const app::AppConfig config, context.config());
  const auto [certificate, key] = app::tls_files(config.tls);
  for (const fs::path& file : {certificate, key}) {
    if (!wanted.force && fs::exists(file)) {
      return fail(ErrorCode::kConflict, file.string() + " is there already; --force replaces it and its neighbour");
    }
  }
  net::SelfSignedOptions options;
  options.days = wanted.days;
  options.names = wanted.names;
  for (std::string& name : names_of_this_machine())
    add_name(options.names, std::move(name));
  std::error_code ignored;  // what is in the way, the writing says
  for (const fs::path& file : {certificate, key})
    fs::create_directories(file.parent_path(), ignored);
  MORGAN_CHECK_OK(net::write_self_signed(options, certificate, key));
  if (context.json) {
    std::cout << dump_json(OrderedJson{{"certificate", certificate.string()},
                                       {"key", key.string()},
                                       {"names", options.names},
                                       {"days", options.days}})
              << "\n";
    return {};
  }
  std::cout << certificate.string() << "\n";
  std::cerr << dim(
      "good for " + join(options.names, ", ") +
      fmt::format("; {} days. `morgan serve` uses it from its next start on.\nClients trust it when they "
                  "are given this file: curl --cacert, SSL_CERT_FILE, NODE_EXTRA_CA_CERTS, client.ca_file.\n",
                  options.days));
  return {};
}

}  // namespace

void add_tls(CLI::App& root, Context& context) {
  CLI::App* command = root.add_subcommand("tls", "the certificate for HTTPS and WSS");
  command->require_subcommand(1);
  const auto wanted = std::make_shared<SelfSignedCommand>();
  CLI::App* make = command->add_subcommand("self-signed", "make a certificate for this machine, and its key");
  make->add_option("--name", wanted->names, "a further name or address that it is good for");
  constexpr int kMostDays = 36'500;
  make->add_option("--days", wanted->days, "how long it is good for")
      ->check(CLI::Range(1, kMostDays))
      ->capture_default_str();
  make->add_flag("--force", wanted->force, "replace the one that is there");
  make->callback([&context, wanted] {
    context.action = [&context, wanted] {
      const Result<void> done = self_signed(context, *wanted);
      return done ? static_cast<int>(kExitOk) : report(context, done.error());
    };
  });
}

}  // namespace morgan::cli
