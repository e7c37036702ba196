// One connection to Redis or Valkey, every wait bounded. Private to this folder.
#pragma once

#include "base/result.h"

#include <hiredis/hiredis.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace morgan::stores {

struct RedisTarget {
  std::string host = "127.0.0.1";
  int port = 6379;
  std::string user;
  std::string password;
  int database = 0;

  /// @error kInvalidArgument  not redis://...; the message does not hold the password   @error kUnsupported  rediss://
  static Result<RedisTarget> parse(const std::string& url);
  std::string name() const { return host + ":" + std::to_string(port) + "/" + std::to_string(database); }
};

/// @thread one caller at a time
class RedisConnection {
 public:
  /// @error kUnavailable   @error kUnauthorized  user or password
  static Result<std::unique_ptr<RedisConnection>> open(const RedisTarget& target);
  /// A string or status; nullopt for nil. @error kUnavailable  lost, too slow, or the server refuses
  Result<std::optional<std::string>> run(const std::vector<std::string>& command);
  /// False once it was lost.
  bool usable() const { return context_ != nullptr && context_->err == 0; }
  /// It was lost because the server did not answer, not because it was closed.
  bool gave_up_waiting() const { return gave_up_waiting_; }

 private:
  struct Free {
    void operator()(redisContext* context) const { redisFree(context); }
  };
  explicit RedisConnection(std::string name) : name_(std::move(name)) {}
  Failure failure(std::string_view why) const;

  const std::string name_;
  std::unique_ptr<redisContext, Free> context_;
  bool gave_up_waiting_ = false;
};

}  // namespace morgan::stores
