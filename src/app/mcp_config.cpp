#include "app/mcp_config.h"

#include "base/strings.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

namespace morgan::app {

namespace {

constexpr std::size_t kMostServers = 32;
constexpr std::size_t kLongestName = 32;
constexpr long long kMostSeconds = 600;
const std::vector<std::string> kKeys{"command", "args", "env", "url", "headers", "timeout_seconds"};

Failure wrong(const std::string& where, const std::string& server, const std::string& what) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("{}: mcp.servers.{} {}", where, server, what));
}

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestName) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

/// Replaces each "${NAME}". @error kNotFound  the message is the variable's name
Result<std::string> with_variables(std::string_view text) {
  std::string out;
  for (;;) {
    const std::size_t begin = text.find("${");
    const std::size_t end = begin == std::string_view::npos ? begin : text.find('}', begin);
    if (end == std::string_view::npos) return out + std::string(text);
    const std::string name(text.substr(begin + 2, end - begin - 2));
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return fail(ErrorCode::kNotFound, name);
    out += std::string(text.substr(0, begin)) + value;
    text.remove_prefix(end + 1);
  }
}

class ServerReader {
 public:
  ServerReader(const toml::table& table, std::string name, const std::string& where)
      : table_(table), name_(std::move(name)), where_(where) {}

  Result<mcp::ServerConfig> read() const {
    if (!is_name(name_)) return wrong(where_, name_, "must be named by 1 to 32 letters, digits, '_' or '-'");
    for (const auto& [key, value] : table_) {
      const std::string known(key.str());
      if (std::find(kKeys.begin(), kKeys.end(), known) == kKeys.end()) {
        return wrong(where_, name_, "has an unknown key '" + known + "'" + did_you_mean(known, kKeys));
      }
    }
    mcp::ServerConfig config;
    config.name = name_;
    MORGAN_TRY(config.command, text("command"));
    MORGAN_TRY(config.url, text("url"));
    if (config.command.empty() == config.url.empty()) return wrong(where_, name_, "needs either command or url");
    if (!config.url.empty() && !config.url.starts_with("http://") && !config.url.starts_with("https://")) {
      return wrong(where_, name_, "has a url that does not begin with http:// or https://");
    }
    MORGAN_TRY(config.args, texts("args"));
    MORGAN_TRY(config.env, named_texts("env"));
    MORGAN_TRY(config.headers, named_texts("headers"));
    if (table_.contains("timeout_seconds")) {
      const auto seconds = table_["timeout_seconds"].value_exact<std::int64_t>();
      if (!seconds || *seconds < 1 || *seconds > kMostSeconds) {
        return wrong(where_, name_, "needs a timeout_seconds from 1 to 600");
      }
      config.timeout = std::chrono::seconds(*seconds);
    }
    return config;
  }

 private:
  Result<std::string> text(std::string_view key) const {
    if (!table_.contains(key)) return std::string();
    const auto value = table_[key].value_exact<std::string>();
    if (!value || value->empty()) return wrong(where_, name_, "needs a text as " + std::string(key));
    return *value;
  }

  Result<std::vector<std::string>> texts(std::string_view key) const {
    std::vector<std::string> values;
    if (!table_.contains(key)) return values;
    const toml::array* list = table_[key].as_array();
    if (list == nullptr) return wrong(where_, name_, "needs a list of texts as " + std::string(key));
    for (const toml::node& item : *list) {
      const auto value = item.value_exact<std::string>();
      if (!value) return wrong(where_, name_, "needs a list of texts as " + std::string(key));
      values.push_back(*value);
    }
    return values;
  }

  Result<std::map<std::string, std::string>> named_texts(std::string_view key) const {
    std::map<std::string, std::string> values;
    if (!table_.contains(key)) return values;
    const toml::table* inner = table_[key].as_table();
    if (inner == nullptr) return wrong(where_, name_, "needs a table of texts as " + std::string(key));
    for (const auto& [name, node] : *inner) {
      const auto value = node.value_exact<std::string>();
      if (!value) return wrong(where_, name_, "needs a table of texts as " + std::string(key));
      auto filled = with_variables(*value);
      if (!filled) {
        return wrong(where_, name_,
                     fmt::format("needs the environment variable {} for {}.{}, which is not set",
                                 filled.error().message, key, std::string(name.str())));
      }
      values.emplace(std::string(name.str()), std::move(*filled));
    }
    return values;
  }

  const toml::table& table_;
  const std::string name_;
  const std::string& where_;
};

}  // namespace

Result<std::vector<mcp::ServerConfig>> read_mcp_servers(const toml::node& node, const std::string& where) {
  const toml::table* servers = node.as_table();
  if (servers == nullptr) return fail(ErrorCode::kInvalidArgument, where + ": mcp.servers must be a table of servers");
  std::vector<mcp::ServerConfig> all;
  for (const auto& [name, each] : *servers) {
    const toml::table* table = each.as_table();
    const std::string line = where.substr(0, where.rfind(':') + 1) + std::to_string(each.source().begin.line);
    if (table == nullptr) return wrong(line, std::string(name.str()), "must be a table");
    MORGAN_TRY(mcp::ServerConfig config, ServerReader(*table, std::string(name.str()), line).read());
    all.push_back(std::move(config));
  }
  if (all.size() > kMostServers) return fail(ErrorCode::kInvalidArgument, where + ": at most 32 MCP servers");
  return all;
}

}  // namespace morgan::app
