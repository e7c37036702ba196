#include "stores/cache/redis_connection.h"

#include "base/strings.h"

#include <sys/time.h>

#include <cerrno>

namespace morgan::stores {

namespace {

/// A cache that is slower than this is of no use.
constexpr long kWaitMicroseconds = 500'000;

struct FreeReply {
  void operator()(void* reply) const { freeReplyObject(reply); }
};

Failure bad_url() {
  return fail(ErrorCode::kInvalidArgument,
              "cache.url cannot be read; expected redis://USER:PASSWORD@HOST:PORT/DATABASE");
}

Result<int> number_in(std::string_view text, long long least, long long most) {
  const auto number = parse_integer(text);
  if (!number || *number < least || *number > most) return bad_url();
  return static_cast<int>(*number);
}

}  // namespace

Result<RedisTarget> RedisTarget::parse(const std::string& url) {
  constexpr std::string_view kScheme = "redis://";
  if (url.starts_with("rediss://")) {
    return fail(ErrorCode::kUnsupported,
                "cache.url asks for TLS, which Morgan does not speak to Redis; use redis:// through a tunnel");
  }
  if (!url.starts_with(kScheme)) return bad_url();
  RedisTarget target;
  std::string_view rest = std::string_view(url).substr(kScheme.size());
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    const std::string_view account = rest.substr(0, at);
    const std::size_t colon = account.find(':');
    if (colon == std::string_view::npos) return bad_url();
    target.user = account.substr(0, colon);
    target.password = account.substr(colon + 1);
    rest.remove_prefix(at + 1);
  }
  if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
    const std::string_view database = rest.substr(slash + 1);
    if (!database.empty()) {
      MORGAN_TRY(target.database, number_in(database, 0, 1'000'000));
    }
    rest = rest.substr(0, slash);
  }
  if (const std::size_t colon = rest.rfind(':'); colon != std::string_view::npos) {
    MORGAN_TRY(target.port, number_in(rest.substr(colon + 1), 1, 65'535));
    rest = rest.substr(0, colon);
  }
  if (rest.empty()) return bad_url();
  target.host = rest;
  return target;
}

Failure RedisConnection::failure(std::string_view why) const {
  return fail(ErrorCode::kUnavailable, "the cache server " + name_ + " is not available: " + std::string(why));
}

Result<std::unique_ptr<RedisConnection>> RedisConnection::open(const RedisTarget& target) {
  std::unique_ptr<RedisConnection> connection(new RedisConnection(target.name()));
  const timeval wait{0, kWaitMicroseconds};
  connection->context_.reset(redisConnectWithTimeout(target.host.c_str(), target.port, wait));
  redisContext* const raw = connection->context_.get();
  if (raw == nullptr) return connection->failure("out of memory");
  if (raw->err != 0) return connection->failure(raw->errstr);
  redisSetTimeout(raw, wait);
  if (!target.password.empty()) {
    std::vector<std::string> login{"AUTH"};
    if (!target.user.empty()) login.push_back(target.user);
    login.push_back(target.password);
    if (!connection->run(login)) {
      return fail(ErrorCode::kUnauthorized,
                  "the cache server " + target.name() + " refuses this user; check user and password in cache.url");
    }
  }
  if (target.database != 0) MORGAN_CHECK_OK(connection->run({"SELECT", std::to_string(target.database)}));
  MORGAN_CHECK_OK(connection->run({"PING"}));
  return connection;
}

Result<std::optional<std::string>> RedisConnection::run(const std::vector<std::string>& command) {
  std::vector<const char*> words;
  std::vector<std::size_t> lengths;
  for (const std::string& word : command) {
    words.push_back(word.data());
    lengths.push_back(word.size());
  }
  const std::unique_ptr<void, FreeReply> answer(
      redisCommandArgv(context_.get(), static_cast<int>(words.size()), words.data(), lengths.data()));
  if (answer == nullptr) {
    const int why = errno;
    gave_up_waiting_ = context_->err == REDIS_ERR_IO && (why == EAGAIN || why == EWOULDBLOCK);
    return failure(gave_up_waiting_ ? "it did not answer in time" : context_->errstr);
  }
  const auto* const reply = static_cast<const redisReply*>(answer.get());
  if (reply->type == REDIS_REPLY_ERROR)
    return failure(std::string_view(reply->str, static_cast<std::size_t>(reply->len)));
  if (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS) {
    return std::optional(std::string(reply->str, static_cast<std::size_t>(reply->len)));
  }
  return std::optional<std::string>();
}

}  // namespace morgan::stores
