// morgan keys: who may come in from other machines.
#include "access/audit_log.h"
#include "access/key_store.h"
#include "base/file.h"
#include "base/strings.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "services/fields.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <iostream>

namespace morgan::cli {

namespace {

constexpr std::time_t kSecondsPerDay = 86'400;

struct CreateOptions {
  std::string user;
  bool admin = false;
  std::string name;
  std::string scopes = "all";
  int days = 0;
};

access::KeyStore open_store() {
  return access::KeyStore(access::KeyStore::file_of(morgan_home()));
}

std::string day_of(std::time_t when) {
  return when == 0 ? "never" : fmt::format("{:%Y-%m-%d}", fmt::gmtime(when));
}

std::string whose(const access::ApiKey& key) {
  return key.user.empty() ? "admin" : "user " + key.user;
}

OrderedJson describe(const access::ApiKey& key) {
  return OrderedJson{{"id", key.id},
                     {"name", key.name},
                     {"user", key.user},
                     {"admin", key.user.empty()},
                     {"scopes", key.scopes},
                     {"created_at", key.created_at},
                     {"expires_at", key.expires_at}};
}

Result<void> audit(const Context& context, std::string_view event, const access::ApiKey& key) {
  MORGAN_TRY(const app::AppConfig config, context.config());
  if (config.access.audit == "off") return {};
  access::AuditFile file(access::AuditFile::file_of(morgan_home()),
                         static_cast<std::uint64_t>(config.access.audit_max_mb) * 1'000'000);
  return file.append(OrderedJson{{"event", event}, {"key", key.id}, {"user", key.user}, {"scopes", key.scopes}});
}

/// It is done, and a key is shown this once: that must not depend on the log.
void warn_unaudited(const Error& why) {
  std::cerr << "morgan: this is not in the audit log: " << why.message << "\n";
}

Result<void> create_key(const Context& context, const CreateOptions& options) {
  if (options.admin != options.user.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "say whose key it is: --user NAME for one that speaks for that user only, or --admin for one that may "
                "name any user and read everything");
  }
  access::ApiKey wanted;
  if (!options.admin) {
    MORGAN_TRY(wanted.user, services::check_user_id(options.user));
  }
  wanted.name = options.name;
  for (const std::string& scope : split(options.scopes, ','))
    wanted.scopes.emplace_back(trim(scope));
  const std::time_t now = std::time(nullptr);
  if (options.days > 0) wanted.expires_at = now + options.days * kSecondsPerDay;
  auto store = open_store();
  MORGAN_TRY(const access::NewKey made, store.create(std::move(wanted), now));
  const Result<void> audited = audit(context, "key_created", made.key);
  if (!audited) warn_unaudited(audited.error());
  if (context.json) {
    OrderedJson all = describe(made.key);
    all["key"] = made.text;
    std::cout << dump_json(all) << "\n";
    return {};
  }
  // The key alone on standard output, so that a script can take it.
  std::cout << made.text << std::endl;
  std::cerr << dim(
      fmt::format("key {} of {}, good for {}, ends {}. It is shown this once; keep it as you would a "
                  "password.\nClients send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'.\n",
                  made.key.id, whose(made.key), join(made.key.scopes, ", "), day_of(made.key.expires_at)));
  return {};
}

Result<void> list_keys(const Context& context) {
  auto store = open_store();
  MORGAN_TRY(const auto keys, store.keys());
  OrderedJson all = OrderedJson::array();
  const std::time_t now = std::time(nullptr);
  for (const auto& [id, key] : *keys) {
    if (context.json) {
      all.push_back(describe(key));
      continue;
    }
    const std::string ends = key.has_expired(now) ? "ended " + day_of(key.expires_at) : day_of(key.expires_at);
    std::cout << fmt::format("{:<9} {:<24} {:<20} made {}  ends {:<16} {}\n", id, whose(key), join(key.scopes, ","),
                             day_of(key.created_at), ends, key.name);
  }
  if (context.json) std::cout << dump_json(all, 2) << "\n";
  if (!context.json && keys->empty()) {
    std::cout << "There is no key: only this machine itself may come in. `morgan keys create --user NAME` makes one.\n";
  }
  return {};
}

Result<void> revoke_key(const Context& context, const std::string& id) {
  auto store = open_store();
  MORGAN_TRY(const access::ApiKey revoked, store.revoke(id));
  const Result<void> audited = audit(context, "key_revoked", revoked);
  if (!audited) warn_unaudited(audited.error());
  if (!context.json) std::cout << fmt::format("revoked {} of {}\n", revoked.id, whose(revoked));
  if (context.json) std::cout << dump_json(describe(revoked)) << "\n";
  return {};
}

}  // namespace

void add_keys(CLI::App& root, Context& context) {
  CLI::App* command = root.add_subcommand("keys", "who may come in from other machines: API keys");
  command->require_subcommand(1);
  const auto options = std::make_shared<CreateOptions>();
  const auto id = std::make_shared<std::string>();
  const auto run = [&context](std::function<Result<void>()> function) {
    context.action = [&context, function = std::move(function)] {
      const Result<void> done = function();
      return done ? static_cast<int>(kExitOk) : report(context, done.error());
    };
  };

  CLI::App* create = command->add_subcommand("create", "make a key, and print it this once");
  create->add_option("-u,--user", options->user, "the user that it speaks for, and no other");
  create->add_flag("--admin", options->admin, "it may name any user and read everything");
  create->add_option("-n,--name", options->name, "a note for you, such as \"kitchen tablet\"");
  create->add_option("-s,--scopes", options->scopes, "what it is good for: " + join(access::known_scopes(), ", "))
      ->capture_default_str();
  constexpr int kMostDays = 36'500;
  create->add_option("--days", options->days, "until it ends (default: never)")->check(CLI::Range(1, kMostDays));
  create->callback([=, &context] { run([=, &context] { return create_key(context, *options); }); });
  command->add_subcommand("list", "every key: id, whose, what for; the keys themselves are kept nowhere")
      ->callback([=, &context] { run([&context] { return list_keys(context); }); });
  CLI::App* revoke =
      command->add_subcommand("revoke", "refuse a key from now on, in every running Morgan of this home");
  revoke->add_option("id", *id, "as `morgan keys list` shows it")->required();
  revoke->callback([=, &context] { run([=, &context] { return revoke_key(context, *id); }); });
}

}  // namespace morgan::cli
