#include "app/app_config.h"

#include "app/mcp_config.h"
#include "base/file.h"
#include "base/strings.h"

#include <fmt/format.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <sstream>

extern char** environ;

namespace morgan::app {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kMaxConfigBytes = 1'000'000;

const ConfigKey* find_key(std::string_view name) {
  for (const ConfigKey& key : config_keys()) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

std::vector<std::string> key_names() {
  std::vector<std::string> names;
  for (const ConfigKey& key : config_keys())
    names.push_back(key.name);
  return names;
}

std::string value_text(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  std::ostringstream stream;
  stream << toml::node_view<const toml::node>(node);
  return stream.str();
}

Result<void> apply_table(const toml::table& table, const std::string& prefix, LoadedConfig& loaded) {
  for (const auto& [name, node] : table) {
    const std::string full = prefix.empty() ? std::string(name.str()) : prefix + "." + std::string(name.str());
    const std::string where = fmt::format("{}:{}", loaded.file.string(), node.source().begin.line);
    if (full == "mcp.servers") {
      auto servers = read_mcp_servers(node, where);
      if (!servers) return fail(std::move(servers).error());
      loaded.config.mcp_servers = std::move(*servers);
      continue;
    }
    if (const toml::table* inner = node.as_table()) {
      MORGAN_CHECK_OK(apply_table(*inner, full, loaded));
      continue;
    }
    const ConfigKey* key = find_key(full);
    if (key == nullptr) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("{}: unknown key '{}'{}; `morgan config` lists all", where,
                                                           full, did_you_mean(full, key_names())));
    }
    Result<void> set = key->set(loaded.config, value_text(node));
    if (!set) return fail(ErrorCode::kInvalidArgument, where + ": " + set.error().message);
    loaded.origin[full] = "file";
  }
  return {};
}

Result<void> apply_file(LoadedConfig& loaded) {
  MORGAN_TRY(const std::string text, read_file(loaded.file, kMaxConfigBytes));
  try {
    return apply_table(toml::parse(text), "", loaded);
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", loaded.file.string(), error.source().begin.line,
                                                         std::string_view(error.description())));
  }
}

/// Variables that begin like ours but are for other parts of Morgan.
bool is_other_variable(std::string_view name) {
  static const std::set<std::string_view> kOthers{
      "MORGAN_HOME",   "MORGAN_CONFIG", "MORGAN_ONNXRUNTIME", "MORGAN_SERVER",  "MORGAN_TEST_AUDIO", "MORGAN_TEST_HOME",
      "MORGAN_BINARY", "MORGAN_DEPS",   "MORGAN_JOBS",        "MORGAN_PROFILE", "MORGAN_BUILD"};
  return kOthers.contains(name);
}

Result<void> apply_environment(LoadedConfig& loaded) {
  std::map<std::string, const ConfigKey*> by_variable;
  std::set<std::string> sections;
  for (const ConfigKey& key : config_keys()) {
    by_variable[environment_name(key.name)] = &key;
    sections.insert(environment_name(key.name.substr(0, key.name.find('.'))) + "_");
  }
  std::vector<std::string> variables;
  for (const auto& [variable, key] : by_variable)
    variables.push_back(variable);

  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view pair(*entry);
    const std::string name(pair.substr(0, pair.find('=')));
    if (!name.starts_with("MORGAN_") || is_other_variable(name)) continue;
    const auto found = by_variable.find(name);
    if (found != by_variable.end()) {
      Result<void> set = found->second->set(loaded.config, pair.substr(name.size() + 1));
      if (!set) return fail(ErrorCode::kInvalidArgument, "environment variable " + name + ": " + set.error().message);
      loaded.origin[found->second->name] = name;
      continue;
    }
    const bool of_a_section = std::any_of(sections.begin(), sections.end(),
                                          [&](const std::string& section) { return name.starts_with(section); });
    if (of_a_section) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("unknown environment variable {}{}; `morgan config` lists all", name,
                              did_you_mean(name, variables)));
    }
  }
  return {};
}

/// A secret that is kept in a file of its own; the value itself goes first.
Result<void> read_secret_file(const std::string& file, std::string& secret) {
  if (file.empty() || !secret.empty()) return {};
  MORGAN_TRY(const std::string text, read_file(file, 10'000));
  secret = std::string(trim(text));
  return {};
}

}  // namespace

std::string environment_name(std::string_view key) {
  std::string name = "MORGAN_";
  for (const char c : key)
    name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

Result<LoadedConfig> load_config(const fs::path& file) {
  LoadedConfig loaded;
  for (const ConfigKey& key : config_keys())
    loaded.origin[key.name] = "default";
  const char* from_environment = std::getenv("MORGAN_CONFIG");
  const bool asked_for = !file.empty() || from_environment != nullptr;
  loaded.file = !file.empty()                 ? file
                : from_environment != nullptr ? fs::path(from_environment)
                                              : morgan_home() / "morgan.toml";
  loaded.file_exists = fs::exists(loaded.file);
  if (asked_for && !loaded.file_exists) {
    return fail(ErrorCode::kNotFound, "there is no configuration file " + loaded.file.string());
  }
  if (loaded.file_exists) MORGAN_CHECK_OK(apply_file(loaded));
  MORGAN_CHECK_OK(apply_environment(loaded));
  for (UpstreamConfig* upstream : {&loaded.config.llm.upstream, &loaded.config.stt.upstream,
                                   &loaded.config.tts.upstream, &loaded.config.embed.upstream}) {
    MORGAN_CHECK_OK(read_secret_file(upstream->api_key_file, upstream->api_key));
  }
  MORGAN_CHECK_OK(read_secret_file(loaded.config.store.url_file, loaded.config.store.url));
  MORGAN_CHECK_OK(read_secret_file(loaded.config.cache.url_file, loaded.config.cache.url));
  MORGAN_CHECK_OK(read_secret_file(loaded.config.webhooks.secret_file, loaded.config.webhooks.secret));
  MORGAN_CHECK_OK(read_secret_file(loaded.config.client.api_key_file, loaded.config.client.api_key));
  return loaded;
}

std::string config_template() {
  std::string text =
      "# Morgan's configuration. Every key is also an environment variable: tts.voice is MORGAN_TTS_VOICE.\n";
  const AppConfig defaults;
  std::string section;
  for (const ConfigKey& key : config_keys()) {
    const std::size_t dot = key.name.find('.');
    if (key.name.substr(0, dot) != section) {
      section = key.name.substr(0, dot);
      text += "\n[" + section + "]\n";
    }
    const std::string value = key.show(defaults);
    const bool quoted = key.type == "text";
    text += fmt::format("# {}\n# {} = {}{}{}\n", key.help, key.name.substr(dot + 1), quoted ? "\"" : "", value,
                        quoted ? "\"" : "");
  }
  return text;
}

}  // namespace morgan::app
