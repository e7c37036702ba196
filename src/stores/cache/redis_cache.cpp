#include "stores/cache/redis_cache.h"

#include "base/log.h"
#include "stores/cache/redis_connection.h"

#include <condition_variable>
#include <map>
#include <thread>
#include <utility>

namespace morgan::stores {

namespace {

constexpr std::chrono::milliseconds kAskEvery{1000};
/// Keys that were set while the server was away; beyond, they are as if they were erased.
constexpr std::size_t kMostSet = 10'000;
/// Keys that changed at all; beyond, the server's values last until they expire by themselves.
constexpr std::size_t kMostChanged = 200'000;
/// Speech would push out of this process' memory what conversations need.
bool is_speech(const std::string& key) {
  return key.starts_with(kSpeechKeys);
}

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
    if (!is_speech(key)) memory_.set(key, value, kept);
    if (!run({"SET", prefixed(key), value, "EX", std::to_string(kept.count())}) && !is_speech(key)) missed(key, kept);
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
  using Missed = std::map<std::string, std::chrono::seconds>;  // key to how long it is kept; 0: it was erased

  /// Other programs may use the server, too.
  static std::string prefixed(const std::string& key) { return "morgan:" + key; }

  Answer run(const std::vector<std::string>& command) {
    {
      const std::lock_guard lock(mutex_);
      if (!why_.empty()) return fail(ErrorCode::kUnavailable, why_);
    }
    std::unique_ptr<RedisConnection> connection = take_idle();
    Answer answer = run_on(connection, command);
    // A server that refuses to be written to (full, a replica) would go on to answer with what was true before.
    const bool refused = !answer && connection != nullptr && connection->usable() && command.front() != "GET";
    if (refused) leave(answer.error());
    if (connection != nullptr && connection->usable()) keep_idle(std::move(connection));
    return answer;
  }

  void keep_idle(std::unique_ptr<RedisConnection> connection) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < most_) idle_.push_back(std::move(connection));
  }

  /// nullptr when there is none.
  std::unique_ptr<RedisConnection> take_idle() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return nullptr;
    std::unique_ptr<RedisConnection> connection = std::move(idle_.back());
    idle_.pop_back();
    return connection;
  }

  /// An idle connection may have been closed meanwhile: then once more on a new one. A server that was too slow is not
  /// asked twice.
  Answer run_on(std::unique_ptr<RedisConnection>& connection, const std::vector<std::string>& command) {
    if (connection != nullptr) {
      Answer answer = connection->run(command);
      if (answer || connection->usable()) return answer;
      if (connection->gave_up_waiting()) {
        leave(answer.error());
        return answer;
      }
      connection = nullptr;
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

  /// @param kept  0: it was erased
  void missed(const std::string& key, std::chrono::seconds kept) {
    const std::lock_guard lock(mutex_);
    if (missed_.size() < kMostSet || missed_.contains(key)) {
      missed_[key] = kept;
    } else if (missed_.size() < kMostChanged) {
      missed_[key] = {};
    } else if (!std::exchange(missed_too_much_, true)) {
      log::warn("stores", "too much changes while the cache server is away: it may answer with what was true before");
    }
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
    if (connection == nullptr || !may_write(*connection)) {
      auto opened = RedisConnection::open(target_);
      if (!opened) return leave(opened.error());
      connection = std::move(*opened);
      if (const auto writes = may_write(*connection); !writes) return leave(writes.error());
    }
    for (Missed missed = take_missed(); !missed.empty(); missed = take_missed()) {
      if (const auto written = bring_up_to_date(*connection, missed); !written) {
        miss_again(missed);
        return leave(written.error());
      }
    }
    come_back(std::move(connection));
  }

  /// Also that there is room, and that it is not a replica.
  static Result<void> may_write(RedisConnection& connection) {
    MORGAN_CHECK_OK(connection.run({"SET", prefixed("alive"), "1", "EX", "60"}));
    return {};
  }

  void come_back(std::unique_ptr<RedisConnection> connection) {
    keep_idle(std::move(connection));
    const std::lock_guard lock(mutex_);
    if (!missed_.empty()) return;  // since they were taken; the next time
    if (!why_.empty()) log::info("stores", "the cache server is back");
    why_.clear();
    missed_too_much_ = false;
    breaker_.succeeded();
    metrics_.set_gauge("morgan_cache_up", {}, 1);
  }

  Missed take_missed() {
    const std::lock_guard lock(mutex_);
    return stopping_ ? Missed{} : std::exchange(missed_, {});
  }

  /// What changed once more meanwhile is newer.
  void miss_again(Missed& missed) {
    const std::lock_guard lock(mutex_);
    missed_.merge(missed);
  }

  /// What the server has of before is wrong for what changed since. What is written is taken out of `missed`.
  Result<void> bring_up_to_date(RedisConnection& connection, Missed& missed) {
    while (!missed.empty() && !is_stopping()) {
      const auto& [key, kept] = *missed.begin();
      const auto value = kept.count() > 0 ? memory_.get(key) : std::nullopt;
      MORGAN_CHECK_OK(value ? connection.run({"SET", prefixed(key), *value, "EX", std::to_string(kept.count())})
                            : connection.run({"DEL", prefixed(key)}));
      missed.erase(missed.begin());
    }
    missed.clear();
    return {};
  }

  bool is_stopping() const {
    const std::lock_guard lock(mutex_);
    return stopping_;
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
  Missed missed_;
  bool missed_too_much_ = false;
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
