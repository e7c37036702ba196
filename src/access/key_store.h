// The API keys of Morgan's home, one file for all its processes: `morgan keys` writes it, the servers look at it with
// every key that they are shown, so that a key which was revoked is refused at once, everywhere. Of a key only its hash
// is kept; keys are long and random, so a plain sha256 cannot be searched for them.
#pragma once

#include "base/file.h"
#include "base/file_lock.h"
#include "base/result.h"

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::access {

/// What a key may be good for: one for each service, whichever port it is asked at, "metrics", and "all" of these.
const std::vector<std::string>& known_scopes();

struct ApiKey {
  std::string id;    ///< no secret: it is part of the key, and names it in lists and logs
  std::string name;  ///< for people: "kitchen tablet"
  std::string user;  ///< the only user it speaks for; "": an admin's, it may name any
  std::vector<std::string> scopes;
  std::string sha256;  ///< of the whole key
  std::time_t created_at = 0;
  std::time_t expires_at = 0;  ///< 0: never

  bool is_good_for(std::string_view scope) const;
  bool has_expired(std::time_t now) const { return expires_at != 0 && expires_at <= now; }
};

/// Id to key.
using Keys = std::map<std::string, ApiKey, std::less<>>;

struct NewKey {
  ApiKey key;
  std::string text;  ///< the key itself, "morgan_<id>_<secret>": shown once, kept nowhere
};

/// @thread any
class KeyStore {
 public:
  /// @param file  need not be there
  explicit KeyStore(std::filesystem::path file) : file_(std::move(file)) {}

  static std::filesystem::path file_of(const std::filesystem::path& home) { return home / "keys.json"; }
  /// Whether a text has the form of a key of Morgan's.
  static bool is_key(std::string_view text);

  /// As they are on disk now; read again only when the file has changed.
  /// @error kUnavailable  not readable   @error kCorrupt  not what `morgan keys` writes
  Result<std::shared_ptr<const Keys>> keys();

  /// The key that the text is; compares in constant time.
  /// @error kUnauthorized  unknown, revoked, or its time is over (message says which)   @error as keys()
  Result<ApiKey> check(std::string_view text, std::time_t now);

  /// Makes id, secret and hash of `wanted`, of which name, user, scopes and expiry count.
  /// @error kInvalidArgument  a scope that is not known, no scope, as many keys as there may be   @error as keys()
  Result<NewKey> create(ApiKey wanted, std::time_t now);
  /// @return what was revoked   @error kNotFound  with the ids that there are   @error as keys()
  Result<ApiKey> revoke(std::string_view id);

 private:
  Result<Keys> read() const;
  Result<FileLock> take_lock() const;
  Result<void> write(const Keys& keys) const;

  const std::filesystem::path file_;
  std::mutex mutex_;                   // guards everything below
  std::shared_ptr<const Keys> known_;  // shared with whoever asked
  std::optional<Error> broken_;        // what is wrong with the file, while it is as it was
  FileStamp stamp_;
};

}  // namespace morgan::access
