#include "stores/cache/redis_cache.h"

#include "base/log.h"
#include "stores/cache/redis_connection.h"

#include <condition_variable>
#include <set>
#include <thread>
#include <utility>

namespace morgan::stores {

namespace {

constexpr std::chrono::milliseconds kAskEvery{1000};
/// Keys that changed while the server was away; beyond, the rest expires by itself.
constexpr std::size_t kMostChanged = 10'000;
constexpr std::size_t kMostKept = 1'000'000;

class RedisCache final : public Cache {
 public:
  RedisCache(RedisTarget target, const RedisOptions& options, Metrics& metrics)
      : target_(std::move(target)),
        most_(std::max<std::size_t>(1, options.connections)),
        metrics_(metrics),
        memory_(options.memory_bytes),
        breaker_(options.backoff) {
    ask();
    thread_ = std::thread([this] { watch(); });
  }

  ~RedisCache() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  std::optional<std::string> get(const std::string& key) override {
    const auto answer = run({"GET", prefixed(key)});
    return answer ? *answer : memory_.get(key);
  }

  void set(const std::string& key, const std::string& value, std::chrono::seconds kept) override {
    // What is large, speech, would push out what conversations need.
    if (value.size() <= kMostKept) memory_.set(key, value, kept);
    if (!run({"SET", prefixed(key), value, "EX", std::to_string(kept.count())})) missed(key, kept);
  }

  void erase(const std::string& key) override {
    memory_.erase(key);
    if (!run({"DEL", prefixed(key)})) missed(key, {});
  }

  StoreHealth health() const override {
    const std::lock_guard lock(mutex_);
    if (why_.empty()) return {};
    return {StoreState::kDegraded, why_ + "; the cache of this process stands in"};
  }

  std::string description() const override { return "redis " + target_.name(); }

 private:
  using Answer = Result<std::optional<std::string>>;

  /// Other programs may use the server, too.
  static std::string prefixed(const std::string& key) { return "morgan:" + key; }

  Answer run(const std::vector<std::string>& command) {
    {
      const std::lock_guard lock(mutex_);
      if (!why_.empty()) return fail(ErrorCode::kUnavailable, why_);
    }
    std::unique_ptr<RedisConnection> connection = take_idle();
    Answer answer = run_on(connection, command);
    if (!answer) return answer;
    const std::lock_guard lock(mutex_);
    if (idle_.size() < most_) idle_.push_back(std::move(connection));
    return answer;
  }

  /// nullptr when there is none.
  std::unique_ptr<RedisConnection> take_idle() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return nullptr;
    std::unique_ptr<RedisConnection> connection = std::move(idle_.back());
    idle_.pop_back();
    return connection;
  }

  /// An idle connection may have been lost meanwhile: then once more on a new one.
  Answer run_on(std::unique_ptr<RedisConnection>& connection, const std::vector<std::string>& command) {
    if (connection != nullptr) {
      Answer answer = connection->run(command);
      if (answer || connection->usable()) return answer;
    }
    auto opened = RedisConnection::open(target_);
    if (!opened) {
      leave(opened.error());
      return fail(std::move(opened).error());
    }
    connection = std::move(*opened);
    Answer answer = connection->run(command);
    if (!answer && !connection->usable()) leave(answer.error());
    return answer;
  }

  void missed(const std::string& key, std::chrono::seconds kept) {
    const std::lock_guard lock(mutex_);
    if (missed_.size() < kMostChanged) missed_[key] = kept;
  }

  void leave(const Error& why) {
    const std::lock_guard lock(mutex_);
    if (why_.empty()) {
      log::warn("stores", "the cache server is away: the cache of this process stands in", {{"why", why.message}});
      metrics_.count("morgan_cache_outages_total", {});
    }
    why_ = why.message;
    idle_.clear();
    breaker_.failed(std::chrono::steady_clock::now());
    metrics_.set_gauge("morgan_cache_up", {}, 0);
    changed_.notify_all();
  }

  /// Connects anew, or asks over a connection that there is. @thread the constructor's, then the watching one
  void ask() {
    std::unique_ptr<RedisConnection> connection = take_idle();
    if (connection == nullptr || !connection->run({"PING"})) {
      auto opened = RedisConnection::open(target_);
      if (!opened) return leave(opened.error());
      connection = std::move(*opened);
    }
    bring_up_to_date(*connection);
    const std::lock_guard lock(mutex_);
    if (!why_.empty()) log::info("stores", "the cache server is back");
    why_.clear();
    breaker_.succeeded();
    if (idle_.size() < most_) idle_.push_back(std::move(connection));
    metrics_.set_gauge("morgan_cache_up", {}, 1);
  }

  /// What the server has of before is wrong for what changed since.
  void bring_up_to_date(RedisConnection& connection) {
    std::map<std::string, std::chrono::seconds> missed;
    {
      const std::lock_guard lock(mutex_);
      missed.swap(missed_);
    }
    for (const auto& [key, kept] : missed) {
      const auto value = memory_.get(key);
      const Answer written = value ? connection.run({"SET", prefixed(key), *value, "EX",
                                                     std::to_string(std::max<long long>(1, kept.count()))})
                                   : connection.run({"DEL", prefixed(key)});
      if (!written) this->missed(key, kept);
    }
  }

  void watch() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      const auto due = why_.empty() ? std::chrono::steady_clock::now() + kAskEvery : breaker_.retry_at();
      const bool was_up = why_.empty();
      changed_.wait_until(lock, due, [&] { return stopping_ || why_.empty() != was_up; });
      if (stopping_) return;
      if (std::chrono::steady_clock::now() < due) continue;
      lock.unlock();
      ask();
      lock.lock();
    }
  }

  const RedisTarget target_;
  const std::size_t most_;
  Metrics& metrics_;
  MemoryCache memory_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<std::unique_ptr<RedisConnection>> idle_;
  std::map<std::string, std::chrono::seconds> missed_;  // key to how long it is kept
  CircuitBreaker breaker_;
  std::string why_;  // not empty while the server is away
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace

Result<std::unique_ptr<Cache>> open_redis_cache(const RedisOptions& options, Metrics& metrics) {
  MORGAN_TRY(RedisTarget target, RedisTarget::parse(options.url));
  std::unique_ptr<Cache> cache = std::make_unique<RedisCache>(std::move(target), options, metrics);
  return cache;
}

}  // namespace morgan::stores
