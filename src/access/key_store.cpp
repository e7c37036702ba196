#include "access/key_store.h"

#include "base/file.h"
#include "base/ids.h"
#include "base/json_util.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/strings.h"

#include <algorithm>

namespace morgan::access {

namespace {

constexpr std::string_view kPrefix = "morgan_";
constexpr std::size_t kIdChars = 8;
constexpr std::size_t kMostKeys = 10'000;
constexpr std::uint64_t kMostBytes = 10'000'000;
constexpr std::string_view kAllScopes = "all";

/// The id inside a key, or "".
std::string_view id_in(std::string_view text) {
  if (!text.starts_with(kPrefix)) return {};
  text.remove_prefix(kPrefix.size());
  const std::size_t end = text.find('_');
  return end == std::string_view::npos ? std::string_view{} : text.substr(0, end);
}

OrderedJson to_json(const ApiKey& key) {
  return OrderedJson{{"id", key.id},
                     {"name", key.name},
                     {"user", key.user},
                     {"scopes", key.scopes},
                     {"sha256", key.sha256},
                     {"created_at", key.created_at},
                     {"expires_at", key.expires_at}};
}

Result<ApiKey> from_json(const Json& json) {
  ApiKey key;
  const auto text = [&json](std::string_view name, std::string& into) -> Result<void> {
    MORGAN_TRY(const auto value, json_string(json, name));
    if (!value) return fail(ErrorCode::kCorrupt, "a key has no " + std::string(name));
    into = *value;
    return {};
  };
  MORGAN_CHECK_OK(text("id", key.id));
  MORGAN_CHECK_OK(text("name", key.name));
  MORGAN_CHECK_OK(text("user", key.user));
  MORGAN_CHECK_OK(text("sha256", key.sha256));
  const auto scopes = json.find("scopes");
  if (scopes == json.end() || !scopes->is_array()) return fail(ErrorCode::kCorrupt, "a key has no scopes");
  for (const Json& scope : *scopes) {
    if (!scope.is_string()) return fail(ErrorCode::kCorrupt, "a scope is not a text");
    key.scopes.push_back(scope.get<std::string>());
  }
  MORGAN_TRY(const auto created, json_number(json, "created_at"));
  MORGAN_TRY(const auto expires, json_number(json, "expires_at"));
  if (!created || !expires) return fail(ErrorCode::kCorrupt, "a key has no dates");
  key.created_at = static_cast<std::time_t>(*created);
  key.expires_at = static_cast<std::time_t>(*expires);
  return key;
}

Result<void> check_scopes(const std::vector<std::string>& scopes) {
  if (scopes.empty()) return fail({ErrorCode::kInvalidArgument, "a key must be good for something", "", "scopes"});
  for (const std::string& scope : scopes) {
    const auto& known = known_scopes();
    if (std::find(known.begin(), known.end(), scope) != known.end()) continue;
    return fail({ErrorCode::kInvalidArgument,
                 "there is no scope '" + scope + "'" + did_you_mean(scope, known) + "; scopes: " + join(known, ", "),
                 "", "scopes"});
  }
  return {};
}

}  // namespace

const std::vector<std::string>& known_scopes() {
  static const std::vector<std::string> kScopes{"all", "core", "llm", "tts", "stt", "vad", "metrics"};
  return kScopes;
}

bool ApiKey::is_good_for(std::string_view scope) const {
  return scope.empty() || std::any_of(scopes.begin(), scopes.end(), [scope](const std::string& owned) {
           return owned == kAllScopes || owned == scope;
         });
}

bool KeyStore::is_key(std::string_view text) {
  return text.starts_with(kPrefix);
}

Result<Keys> KeyStore::read() const {
  const auto text = read_file(file_, kMostBytes);
  if (!text && text.error().code == ErrorCode::kNotFound) return Keys{};
  if (!text) return fail(text.error());
  const auto corrupt = [this](const std::string& why) {
    return fail(ErrorCode::kCorrupt, file_.string() + " is not what `morgan keys` writes: " + why +
                                         "; mend it, or move it away and create the keys anew");
  };
  const auto json = parse_json_object(*text);
  if (!json) return corrupt(json.error().message);
  const auto list = json->find("keys");
  if (list == json->end() || !list->is_array()) return corrupt("it has no list of keys");
  Keys keys;
  for (const Json& entry : *list) {
    auto key = entry.is_object() ? from_json(entry) : Result<ApiKey>(fail(ErrorCode::kCorrupt, "a key is no object"));
    if (!key) return corrupt(key.error().message);
    std::string id = key->id;
    keys.insert_or_assign(std::move(id), std::move(*key));
  }
  return keys;
}

Result<FileLock> KeyStore::take_lock() const {
  std::error_code ignored;  // what is in the way, the lock says
  std::filesystem::create_directories(file_.parent_path(), ignored);
  return FileLock::take(file_.string() + ".lock");
}

Result<void> KeyStore::write(const Keys& keys) const {
  OrderedJson list = OrderedJson::array();
  for (const auto& [id, key] : keys)
    list.push_back(to_json(key));
  return write_file_atomically(file_, dump_json(OrderedJson{{"keys", std::move(list)}}, 2) + "\n", 0600);
}

Result<std::shared_ptr<const Keys>> KeyStore::keys() {
  const std::lock_guard lock(mutex_);
  // Looked at before it is read: what is written in between is then read the next time.
  const FileStamp stamp = FileStamp::of(file_);
  if (stamp == stamp_ && known_) return known_;
  if (stamp == stamp_ && broken_) return fail(*broken_);
  auto read_now = read();
  known_ = read_now ? std::make_shared<const Keys>(std::move(*read_now)) : nullptr;
  broken_.reset();
  stamp_ = stamp;
  if (known_) return known_;
  log::error("access", "the keys cannot be read", {{"why", read_now.error().message}});
  // Whoever shows a key has it read no more until it changes; what only could not be opened is tried again.
  if (read_now.error().code == ErrorCode::kCorrupt) broken_ = read_now.error();
  return fail(std::move(read_now).error());
}

Result<ApiKey> KeyStore::check(std::string_view text, std::time_t now) {
  MORGAN_TRY(const auto known, keys());
  const auto found = known->find(id_in(text));
  // A key that is not there is hashed and compared like one that is.
  const std::string expected = found == known->end() ? sha256_hex("") : found->second.sha256;
  const bool equal = equal_in_constant_time(sha256_hex(text), expected);
  if (!equal || found == known->end()) {
    return fail(ErrorCode::kUnauthorized, "this API key is not known here; it may have been revoked");
  }
  if (found->second.has_expired(now)) return fail(ErrorCode::kUnauthorized, "the time of this API key is over");
  return found->second;
}

Result<NewKey> KeyStore::create(ApiKey wanted, std::time_t now) {
  MORGAN_CHECK_OK(check_scopes(wanted.scopes));
  MORGAN_TRY(const FileLock lock, take_lock());
  MORGAN_TRY(Keys all, read());
  if (all.size() >= kMostKeys) {
    return fail(ErrorCode::kInvalidArgument, "there are 10000 keys, as many as there may be; revoke some");
  }
  NewKey made;
  do {
    wanted.id = random_id("").substr(0, kIdChars);
  } while (all.contains(wanted.id));
  made.text = std::string(kPrefix) + wanted.id + "_" + random_id("") + random_id("");
  wanted.sha256 = sha256_hex(made.text);
  wanted.created_at = now;
  made.key = wanted;
  all.emplace(wanted.id, std::move(wanted));
  MORGAN_CHECK_OK(write(all));
  return made;
}

Result<ApiKey> KeyStore::revoke(std::string_view id) {
  MORGAN_TRY(const FileLock lock, take_lock());
  MORGAN_TRY(Keys all, read());
  const auto found = all.find(id);
  if (found == all.end()) {
    return fail(ErrorCode::kNotFound, "there is no key '" + std::string(id) + "'; `morgan keys list` shows them");
  }
  ApiKey revoked = std::move(found->second);
  all.erase(found);
  MORGAN_CHECK_OK(write(all));
  return revoked;
}

}  // namespace morgan::access
