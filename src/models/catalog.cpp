#include "models/catalog.h"

#include "base/file.h"
#include "base/strings.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <set>

namespace morgan::embedded {
extern const std::string_view kCatalog;  // models/catalog.toml
}

namespace morgan::models {

namespace {

constexpr std::uint64_t kMaxCatalogFile = 4'000'000;
constexpr std::string_view kConversions[] = {"whisper-ggml-q8_0", "minilm-gguf"};
constexpr std::string_view kRoles[] = {"stt", "llm", "tts", "vad", "turn", "wake", "embed"};
constexpr std::string_view kSourceKinds[] = {"hub", "pypi", "npm", "url", "join"};

template <std::size_t N>
bool is_one_of(std::string_view word, const std::string_view (&words)[N]) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

bool is_plain_name(std::string_view name) {
  if (name.empty() || name.size() > 128 || !std::isalnum(static_cast<unsigned char>(name[0]))) return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-' || c == '+';
  });
}

/// At most `folders` folders, each part plain: no "..", no absolute path, nothing hidden.
bool is_safe_path(std::string_view path, std::size_t folders) {
  const std::vector<std::string> parts = split(path, '/');
  return parts.size() <= folders + 1 && std::all_of(parts.begin(), parts.end(), is_plain_name);
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// One table of the catalogue. Remembers what was asked for, so that finish() can name unknown keys.
class Table {
 public:
  Table(const toml::table& table, std::string where) : table_(table), where_(std::move(where)) {}

  bool has(std::string_view key) {
    known_.insert(std::string(key));
    return table_.contains(key);
  }

  Result<std::string> text(std::string_view key) {
    if (!has(key)) return error("'" + std::string(key) + "' is missing");
    return optional_text(key);
  }

  Result<std::string> optional_text(std::string_view key) {
    if (!has(key)) return std::string();
    const auto value = table_[key].value_exact<std::string>();
    if (!value || value->empty()) return error("'" + std::string(key) + "' is not a text");
    return *value;
  }

  Result<std::uint64_t> size(std::string_view key) {
    if (!has(key)) return error("'" + std::string(key) + "' is missing");
    const auto value = table_[key].value_exact<std::int64_t>();
    if (!value || *value <= 0) return error("'" + std::string(key) + "' is not a size in bytes");
    return static_cast<std::uint64_t>(*value);
  }

  Result<bool> flag(std::string_view key) {
    if (!has(key)) return false;
    const auto value = table_[key].value_exact<bool>();
    if (!value) return error("'" + std::string(key) + "' is not true or false");
    return *value;
  }

  Result<std::string> sha256(std::string_view key) {
    MORGAN_TRY(std::string value, text(key));
    if (!is_sha256(value)) return error("'" + std::string(key) + "' is not a sha256 in lower case");
    return value;
  }

  /// The tables of a list; none when the key is absent.
  Result<std::vector<Table>> tables(std::string_view key, std::string_view what) {
    std::vector<Table> list;
    if (!has(key)) return list;
    const toml::array* array = table_[key].as_array();
    if (array == nullptr) return error("'" + std::string(key) + "' is not a list");
    for (const toml::node& node : *array) {
      if (!node.is_table()) return error("'" + std::string(key) + "' holds something else than tables");
      list.emplace_back(*node.as_table(), std::string(what) + " of " + where_ + at(node));
    }
    return list;
  }

  /// "member", or the list "members".
  Result<std::vector<std::string>> members() {
    std::vector<std::string> names;
    MORGAN_TRY(std::string one, optional_text("member"));
    if (!one.empty()) names.push_back(std::move(one));
    if (has("members")) {
      const toml::array* array = table_["members"].as_array();
      if (array == nullptr || !names.empty()) return error("'members' is not a list, or 'member' is given too");
      for (const toml::node& node : *array) {
        if (!node.is_string()) return error("'members' holds something else than texts");
        names.push_back(**node.as_string());
      }
    }
    for (const std::string& name : names) {
      if (!is_safe_path(name, 16)) return error("the member '" + name + "' is not a safe path");
    }
    return names;
  }

  Result<void> finish() const {
    for (const auto& [key, value] : table_) {
      if (!known_.contains(std::string(key.str()))) {
        const std::vector<std::string> names(known_.begin(), known_.end());
        return error("unknown key '" + std::string(key.str()) + "'" + did_you_mean(key.str(), names) + at(value));
      }
    }
    return {};
  }

  Failure error(const std::string& what) const {
    return fail(ErrorCode::kInvalidArgument, "catalogue: " + where_ + ": " + what);
  }

  void set_where(std::string where) { where_ = std::move(where); }

 private:
  static std::string at(const toml::node& node) { return " (line " + std::to_string(node.source().begin.line) + ")"; }

  const toml::table& table_;
  std::string where_;
  std::set<std::string> known_;
};

/// The packages that sources refer to, by "pypi:name".
using Packages = std::map<std::string, CatalogSource>;

Result<Packages> read_packages(Table& root) {
  Packages packages;
  MORGAN_TRY(std::vector<Table> tables, root.tables("package", "package"));
  for (Table& table : tables) {
    CatalogSource package;
    MORGAN_TRY(package.kind, table.text("registry"));
    MORGAN_TRY(package.name, table.text("name"));
    MORGAN_TRY(package.version, table.text("version"));
    MORGAN_TRY(package.archive_size, table.size("size"));
    MORGAN_TRY(package.archive_sha256, table.sha256("sha256"));
    if (package.kind != "pypi" && package.kind != "npm") return table.error("'registry' is neither pypi nor npm");
    // These words become arguments of pip and npm.
    const std::string_view name = package.name;
    const bool scoped = package.kind == "npm" && name.starts_with('@') && is_safe_path(name.substr(1), 1);
    if ((!scoped && !is_plain_name(name)) || !is_plain_name(package.version)) {
      return table.error("'" + package.name + "' or its version is not a package's name");
    }
    MORGAN_CHECK_OK(table.finish());
    packages[package.kind + ":" + package.name] = std::move(package);
  }
  return packages;
}

Result<CatalogSource> read_source(Table& table, const Packages& packages, bool may_join) {
  std::string kind;
  for (const std::string_view candidate : kSourceKinds) {
    if (!table.has(candidate)) continue;
    if (!kind.empty()) return table.error("'" + kind + "' and '" + std::string(candidate) + "' in one source");
    kind = candidate;
  }
  CatalogSource source;
  if (kind == "join") {
    if (!may_join) return table.error("'join' inside 'join'");
    source.kind = "joined";
    MORGAN_TRY(std::vector<Table> parts, table.tables("join", "part"));
    for (Table& part : parts) {
      MORGAN_TRY(CatalogSource package, read_source(part, packages, false));
      if (package.kind != "pypi" && package.kind != "npm") return part.error("only packages can be joined");
      source.parts.push_back(std::move(package));
    }
    if (source.parts.size() < 2) return table.error("'join' needs two packages at least");
    MORGAN_CHECK_OK(table.finish());
    return source;
  }
  if (kind.empty()) return table.error("no 'hub', 'pypi', 'npm', 'url' or 'join'");
  MORGAN_TRY(const std::string name, table.text(kind));
  if (kind == "pypi" || kind == "npm") {
    const auto package = packages.find(kind + ":" + name);
    if (package == packages.end()) return table.error("there is no [[package]] '" + name + "' of " + kind);
    source = package->second;
  } else {
    source.kind = kind;
    source.name = name;
    MORGAN_TRY(source.version, table.optional_text("revision"));
    if (source.version.empty()) source.version = "main";
    if (kind == "hub" && (!is_safe_path(name, 1) || !is_plain_name(source.version))) {
      return table.error("'" + name + "' is not a repository");
    }
    if (kind == "url" && !name.starts_with("https://") && !name.starts_with("http://")) {
      return table.error("'" + name + "' is not a web address");
    }
  }
  MORGAN_TRY(source.members, table.members());
  if (source.members.empty() && kind != "url") return table.error("no 'member'");
  if (source.members.size() > 1 && kind == "hub") return table.error("a hub's file is one member");
  MORGAN_CHECK_OK(table.finish());
  return source;
}

Result<CatalogFile> read_file_entry(Table& table, const Packages& packages, bool is_input) {
  CatalogFile file;
  MORGAN_TRY(file.name, table.text("name"));
  table.set_where("file '" + file.name + "'");
  if (!is_safe_path(file.name, is_input ? 0 : 1)) return table.error("not a safe file name");
  MORGAN_TRY(file.size, table.size("size"));
  MORGAN_TRY(file.sha256, table.sha256("sha256"));
  MORGAN_TRY(std::vector<Table> sources, table.tables("source", "source"));
  for (Table& source : sources) {
    MORGAN_TRY(CatalogSource entry, read_source(source, packages, true));
    file.sources.push_back(std::move(entry));
  }
  if (!is_input) {
    MORGAN_TRY(file.convert, table.optional_text("convert"));
    MORGAN_TRY(std::vector<Table> inputs, table.tables("input", "input"));
    for (Table& input : inputs) {
      MORGAN_TRY(CatalogFile entry, read_file_entry(input, packages, true));
      file.inputs.push_back(std::move(entry));
    }
  }
  if (!file.convert.empty() && !is_one_of(file.convert, kConversions)) {
    return table.error("unknown conversion '" + file.convert + "'");
  }
  if (file.convert.empty() != file.inputs.empty()) return table.error("'convert' and 'input' belong together");
  if (file.convert.empty() == file.sources.empty()) return table.error("needs either 'source' or 'convert'");
  MORGAN_CHECK_OK(table.finish());
  return file;
}

Result<CatalogModel> read_model(Table& table, const Packages& packages) {
  CatalogModel model;
  MORGAN_TRY(model.id, table.text("id"));
  table.set_where("model '" + model.id + "'");
  if (!is_plain_name(model.id)) return table.error("not a safe id");
  MORGAN_TRY(model.role, table.text("role"));
  if (!is_one_of(model.role, kRoles)) return table.error("unknown role '" + model.role + "'");
  MORGAN_TRY(model.title, table.text("title"));
  MORGAN_TRY(model.license, table.text("license"));
  MORGAN_TRY(model.license_url, table.optional_text("license_url"));
  MORGAN_TRY(model.is_default, table.flag("default"));
  MORGAN_TRY(std::vector<Table> files, table.tables("file", "file"));
  std::set<std::string> names;
  for (Table& file : files) {
    MORGAN_TRY(CatalogFile entry, read_file_entry(file, packages, false));
    if (!names.insert(entry.name).second) return table.error("the file '" + entry.name + "' is there twice");
    model.files.push_back(std::move(entry));
  }
  if (model.files.empty()) return table.error("has no files");
  MORGAN_CHECK_OK(table.finish());
  return model;
}

Result<std::vector<CatalogModel>> read_models(const toml::table& document) {
  Table root(document, "the file");
  MORGAN_TRY(const Packages packages, read_packages(root));
  MORGAN_TRY(std::vector<Table> tables, root.tables("model", "model"));
  MORGAN_CHECK_OK(root.finish());
  std::vector<CatalogModel> models;
  std::set<std::string> ids;
  for (Table& table : tables) {
    MORGAN_TRY(CatalogModel model, read_model(table, packages));
    if (!ids.insert(model.id).second) return table.error("is there twice");
    models.push_back(std::move(model));
  }
  return models;
}

}  // namespace

std::uint64_t CatalogModel::size() const {
  std::uint64_t sum = 0;
  for (const CatalogFile& file : files)
    sum += file.size;
  return sum;
}

Result<Catalog> Catalog::parse(std::string_view toml) {
  try {
    const toml::table document = toml::parse(toml);
    Catalog catalog;
    MORGAN_TRY(catalog.models_, read_models(document));
    return catalog;
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::kInvalidArgument, "catalogue: line " + std::to_string(error.source().begin.line) + ": " +
                                                 std::string(error.description()));
  }
}

const Catalog& Catalog::built_in() {
  // A malformed catalogue cannot be shipped: catalog_test reads it.
  static const Catalog catalog = [] {
    Result<Catalog> parsed = parse(embedded::kCatalog);
    return parsed ? std::move(parsed).value() : Catalog();
  }();
  return catalog;
}

Result<Catalog> Catalog::with_user_file(const std::filesystem::path& file) {
  Catalog catalog = built_in();
  Result<std::string> text = read_file(file, kMaxCatalogFile);
  if (!text && text.error().code == ErrorCode::kNotFound) return catalog;
  if (!text) return fail(std::move(text).error());
  Result<Catalog> added = parse(*text);
  if (!added) return fail(ErrorCode::kInvalidArgument, file.string() + ": " + added.error().message);
  for (CatalogModel& model : added->models_) {
    const auto same = std::find_if(catalog.models_.begin(), catalog.models_.end(),
                                   [&](const CatalogModel& known) { return known.id == model.id; });
    if (same != catalog.models_.end()) {
      *same = std::move(model);
    } else {
      catalog.models_.push_back(std::move(model));
    }
  }
  return catalog;
}

Result<const CatalogModel*> Catalog::find(std::string_view id) const {
  std::vector<std::string> ids;
  for (const CatalogModel& model : models_) {
    if (model.id == id) return &model;
    ids.push_back(model.id);
  }
  return fail(ErrorCode::kNotFound, "no model '" + std::string(id) + "' in the catalogue" + did_you_mean(id, ids) +
                                        "; known: " + join(ids, ", "));
}

}  // namespace morgan::models
