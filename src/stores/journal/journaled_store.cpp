#include "stores/journal/journaled_store.h"

#include "base/log.h"
#include "base/time_text.h"
#include "stores/journal/conversation_view.h"
#include "stores/journal/journal_file.h"
#include "stores/message_checks.h"

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>
#include <utility>

namespace morgan::stores {

namespace {

/// Appends that are written at once; after a kill so many may be written again, which changes nothing.
constexpr std::size_t kBatch = 256;
constexpr std::size_t kLast = 64;

bool is_outage(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kOverloaded;
}

std::string view_key(const std::string& user_id) {
  return "conversation:" + user_id;
}

std::string profile_key(const std::string& user_id) {
  return "user_prefs:" + user_id;
}

Failure away(const std::string& why) {
  return fail(ErrorCode::kUnavailable, "the history cannot be read while the database is away (" + why +
                                           "); what is said now is kept and will be stored");
}

class JournaledStoreImpl final : public JournaledStore {
 public:
  JournaledStoreImpl(JournaledOptions options, Cache& cache, Metrics& metrics)
      : options_(std::move(options)), cache_(cache), metrics_(metrics), breaker_(options_.backoff) {}

  ~JournaledStoreImpl() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  Result<void> start() {
    std::error_code status;
    std::filesystem::create_directories(options_.journal.parent_path(), status);
    std::vector<std::string> records;
    MORGAN_TRY(journal_, JournalFile::open(options_.journal, options_.journal_bytes, records));
    for (const std::string& record : records) {
      auto op = from_record(record);
      if (!op) return fail(std::move(op).error());
      pending_.push_back(std::move(*op));
    }
    auto opened = options_.open();
    if (opened) {
      database_ = std::move(*opened);
      description_ = database_->description();
      online_ = pending_.empty();
      if (!online_) why_ = "writes of before are being stored";
    } else if (is_outage(opened.error())) {
      leave(opened.error().message);
    } else {
      return fail(std::move(opened).error());
    }
    ask_at_ = options_.now();
    publish();
    if (!online_) attend();
    if (options_.own_thread) thread_ = std::thread([this] { watch(); });
    return {};
  }

  Result<StoredConversation> append(const std::string& user_id, const std::vector<StoredMessage>& messages) override {
    MORGAN_CHECK_OK(check_append(user_id, messages));
    const WriteOp op{WriteOp::Kind::kAppend, user_id, completed(messages, now_iso8601())};
    Result<StoredConversation> stored = fail(ErrorCode::kInternal, "");
    const auto call = [&](ConversationStore& database) -> Result<void> {
      stored = database.append(user_id, op.messages);
      if (!stored) return fail(stored.error());
      return {};
    };
    MORGAN_TRY(const bool online, write(op, call));
    if (!online) return known(user_id).conversation;
    remember_append(op, *stored);
    return stored;
  }

  Result<void> amend(const std::string& user_id, const std::string& message_id, const std::string& content,
                     const std::string& metadata) override {
    MORGAN_CHECK_OK(check_amend(user_id, content, metadata));
    const WriteOp op{WriteOp::Kind::kAmend,
                     user_id,
                     {{"user", content, now_iso8601(), 0, metadata.empty() ? "{}" : metadata, message_id}}};
    MORGAN_TRY(const bool online, write(op, [&](ConversationStore& database) {
                 return database.amend(user_id, message_id, content, metadata);
               }));
    if (online) change_cached(op);
    return {};
  }

  Result<std::vector<StoredMessage>> recent(const std::string& user_id, int limit) override {
    auto read = from_database([&](ConversationStore& database) { return database.recent(user_id, limit); });
    if (read) {
      remember_recent(user_id, *read);
      return read;
    }
    if (!is_outage(read.error())) return read;
    std::vector<StoredMessage> messages = known(user_id).messages;
    const auto most = static_cast<std::size_t>(std::max(0, limit));
    if (messages.size() > most) messages.erase(messages.begin(), messages.end() - static_cast<std::ptrdiff_t>(most));
    return messages;
  }

  Result<MessagePage> page(const std::string& user_id, long long limit, long long offset) override {
    auto read = from_database([&](ConversationStore& database) { return database.page(user_id, limit, offset); });
    if (!read && is_outage(read.error())) return away(read.error().message);
    return read;
  }

  Result<std::vector<StoredConversation>> list(long long limit, long long offset, const std::string& user_id) override {
    auto read = from_database([&](ConversationStore& database) { return database.list(limit, offset, user_id); });
    if (!read && is_outage(read.error())) return away(read.error().message);
    return read;
  }

  Result<bool> reset(const std::string& user_id) override {
    MORGAN_CHECK_OK(check_user(user_id));
    bool was_open = true;
    const WriteOp op{WriteOp::Kind::kReset, user_id, {}};
    const auto call = [&](ConversationStore& database) -> Result<void> {
      MORGAN_TRY(was_open, database.reset(user_id));
      return {};
    };
    MORGAN_TRY(const bool online, write(op, call));
    if (online) cache_.erase(view_key(user_id));
    return was_open;
  }

  Result<std::string> profile(const std::string& user_id) override {
    auto read = from_database([&](ConversationStore& database) { return database.profile(user_id); });
    if (read) {
      cache_.set(profile_key(user_id), *read, kProfileKept);
      return read;
    }
    if (!is_outage(read.error())) return read;
    return cache_.get(profile_key(user_id)).value_or("{}");
  }

  Result<void> set_profile(const std::string& user_id, const std::string& json) override {
    MORGAN_CHECK_OK(check_profile(user_id, json));
    const WriteOp op{WriteOp::Kind::kSetProfile, user_id, {}, json};
    MORGAN_CHECK_OK(write(op, [&](ConversationStore& database) { return database.set_profile(user_id, json); }));
    cache_.set(profile_key(user_id), json, kProfileKept);
    return {};
  }

  Result<long long> erase(const std::string& user_id) override {
    MORGAN_CHECK_OK(check_user(user_id));
    long long erased = static_cast<long long>(known(user_id).messages.size());
    const WriteOp op{WriteOp::Kind::kErase, user_id, {}};
    const auto call = [&](ConversationStore& database) -> Result<void> {
      MORGAN_TRY(erased, database.erase(user_id));
      return {};
    };
    MORGAN_CHECK_OK(write(op, call));
    cache_.erase(view_key(user_id));
    cache_.erase(profile_key(user_id));
    return erased;
  }

  Result<void> ping() override {
    return from_database([](ConversationStore& database) { return database.ping(); });
  }

  StoreHealth health() override {
    const std::lock_guard lock(health_mutex_);
    return health_;
  }

  std::string description() const override {
    const std::lock_guard lock(health_mutex_);
    return description_.empty() ? "journal " + options_.journal.string() : description_;
  }

  std::size_t waiting() const override {
    const std::lock_guard lock(mutex_);
    return pending_.size();
  }

  void attend() override {
    std::unique_lock lock(mutex_);
    const auto now = options_.now();
    if (online_) {
      if (now < ask_at_) return;
      ask_at_ = now + options_.ask_every;
      lock.unlock();
      static_cast<void>(ping());  // notices by itself when it fails
      return;
    }
    if (!breaker_.allows(now)) return;
    lock.unlock();
    const Result<void> reached = reach();
    lock.lock();
    if (!reached) return leave_again(reached.error());
    write_waiting(lock);
  }

 private:
  using Call = std::function<Result<void>(ConversationStore&)>;

  /// Does the write now, or puts it into the journal. @return true: now
  Result<bool> write(const WriteOp& op, const Call& call) {
    std::unique_lock lock = enter();
    if (online_) {
      lock.unlock();
      const Result<void> done = call(*database_);
      if (done) return true;
      if (!is_outage(done.error())) return fail(done.error());
      lock = enter();
      // It may have happened: its ids make it safe to do again.
      if (online_) leave(done.error().message);
    }
    MORGAN_CHECK_OK(journal_->add(to_record(op)));
    pending_.push_back(op);
    publish();
    return false;
  }

  /// mutex_, for one of many: at most one of them competes with the thread that writes what waits, which would
  /// otherwise hardly get it.
  std::unique_lock<std::mutex> enter() {
    const std::lock_guard turn(turn_);
    return std::unique_lock(mutex_);
  }

  template <typename Read>
  auto from_database(Read read) -> decltype(read(std::declval<ConversationStore&>())) {
    std::string why;
    {
      const auto lock = enter();
      if (!online_) why = why_;
    }
    if (!why.empty()) return fail(ErrorCode::kUnavailable, why);
    auto answer = read(*database_);
    if (!answer && is_outage(answer.error())) {
      const std::lock_guard lock(mutex_);
      if (online_) leave(answer.error().message);
    }
    return answer;
  }

  /// The database is away. The caller holds mutex_.
  void leave(const std::string& why) {
    online_ = false;
    why_ = why;
    breaker_.failed(options_.now());
    metrics_.count("morgan_store_outages_total", {});
    log::warn("stores", "the database is away: writes wait in the journal", {{"why", why}});
    publish();
    changed_.notify_all();
  }

  void leave_again(const Error& error) {
    if (error.message != why_) log::warn("stores", "the database is still away", {{"why", error.message}});
    why_ = error.message;
    breaker_.failed(options_.now());
    publish();
  }

  /// @thread attend's: the only one that makes database_
  Result<void> reach() {
    if (database_ != nullptr) return database_->ping();
    MORGAN_TRY(auto opened, options_.open());
    const std::lock_guard lock(mutex_);
    database_ = std::move(opened);
    return {};
  }

  /// Writes what waits, then lets writes through again. `lock` holds mutex_.
  void write_waiting(std::unique_lock<std::mutex>& lock) {
    while (!pending_.empty() && !stopping_) {
      const std::vector<WriteOp> batch = next_batch();
      // Who speaks without a pause would always add one more: the last ones are written while others wait.
      const bool last = pending_.size() <= kLast;
      if (!last) lock.unlock();
      std::size_t done = 0;
      const Result<void> written = write_batch(batch, done);
      if (!last) lock.lock();
      if (!mark_done(done)) return;
      if (!written) return leave_again(written.error());
    }
    if (stopping_) return;
    online_ = true;
    why_.clear();
    breaker_.succeeded();
    ask_at_ = options_.now() + options_.ask_every;
    log::info("stores", "the database is back, everything is stored");
    publish();
  }

  /// The appends at the front, or one other write: done again after later ones, that would undo them, so it is marked
  /// as done by itself. The caller holds mutex_.
  std::vector<WriteOp> next_batch() const {
    const auto is_append = [](const WriteOp& op) { return op.kind == WriteOp::Kind::kAppend; };
    std::vector<WriteOp> batch{pending_.front()};
    while (batch.size() < std::min(kBatch, pending_.size()) && is_append(batch.back()) &&
           is_append(pending_[batch.size()])) {
      batch.push_back(pending_[batch.size()]);
    }
    return batch;
  }

  /// @param done  how many are written, or refused for ever   @error an outage
  Result<void> write_batch(const std::vector<WriteOp>& batch, std::size_t& done) {
    if (batch.size() > 1) {
      std::vector<WaitingAppend> appends;
      for (const WriteOp& op : batch)
        appends.push_back({op.user_id, op.messages});
      const Result<void> all = database_->append_all(appends);
      if (all) done = batch.size();
      if (all || is_outage(all.error())) return all;
    }
    for (; done < batch.size(); ++done)
      MORGAN_CHECK_OK(write_one(batch[done]));
    return {};
  }

  /// @error an outage; what the database refuses for ever is kept in a file of its own
  Result<void> write_one(const WriteOp& op) {
    Result<void> written = apply(op, *database_);
    if (written || is_outage(written.error())) return written;
    log::error("stores", "the database refused a write that had waited; it is kept beside the journal",
               {{"why", written.error().message}});
    metrics_.count("morgan_store_refused_writes_total", {});
    std::ofstream refused(options_.journal.string() + ".refused", std::ios::app | std::ios::binary);
    refused << to_record(op) << '\n';
    return {};
  }

  bool mark_done(std::size_t count) {
    if (count == 0) return true;
    if (const Result<void> marked = journal_->done(count); !marked) {
      // They are written again at the next attempt, which changes nothing.
      leave_again(marked.error());
      return false;
    }
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(count));
    metrics_.count("morgan_store_replayed_writes_total", {}, static_cast<double>(count));
    publish();
    return true;
  }

  void watch() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      const auto due = online_ ? ask_at_ : breaker_.retry_at();
      changed_.wait_until(lock, due, [&] { return stopping_ || (online_ ? ask_at_ : breaker_.retry_at()) != due; });
      if (stopping_) return;
      lock.unlock();
      attend();
      lock.lock();
    }
  }

  /// What /health and /metrics show. The caller holds mutex_, or is alone.
  void publish() {
    metrics_.set_gauge("morgan_store_up", {}, online_ ? 1 : 0);
    metrics_.set_gauge("morgan_store_waiting_writes", {}, static_cast<double>(pending_.size()));
    metrics_.set_gauge("morgan_store_journal_bytes", {}, static_cast<double>(journal_->bytes()));
    const std::lock_guard lock(health_mutex_);
    if (database_ != nullptr) description_ = database_->description();
    health_ = {};
    if (online_) return;
    health_ = {StoreState::kDegraded, why_ + "; " + std::to_string(pending_.size()) +
                                          " writes wait in the journal and are stored when it is back"};
  }

  /// The end of a conversation as far as it is known here.
  ConversationView known(const std::string& user_id) {
    ConversationView view = cached(user_id).value_or(ConversationView{});
    const std::string now = now_iso8601();
    const auto lock = enter();
    for (const WriteOp& op : pending_) {
      if (op.user_id == user_id) view.apply(op, now);
    }
    return view;
  }

  std::optional<ConversationView> cached(const std::string& user_id) {
    const auto text = cache_.get(view_key(user_id));
    return text ? read_view(*text) : std::nullopt;
  }

  void remember(const std::string& user_id, const ConversationView& view) {
    cache_.set(view_key(user_id), to_text(view), kConversationKept);
  }

  void remember_append(const WriteOp& op, const StoredConversation& stored) {
    ConversationView view = cached(op.user_id).value_or(ConversationView{});
    if (view.conversation.conversation_id != stored.conversation_id) view.messages.clear();
    view.conversation = stored;
    view.conversation.message_count -= static_cast<long long>(op.messages.size());
    view.apply(op, stored.updated_at);
    view.conversation = stored;
    remember(op.user_id, view);
  }

  void remember_recent(const std::string& user_id, const std::vector<StoredMessage>& messages) {
    ConversationView view = cached(user_id).value_or(ConversationView{});
    // Fewer were asked for than are known.
    if (messages.size() < view.messages.size() && !messages.empty() && messages.back().id == view.messages.back().id) {
      return;
    }
    if (messages.empty()) return cache_.erase(view_key(user_id));
    view.messages = messages;
    view.conversation.user_id = user_id;
    view.conversation.message_count = messages.back().sequence;
    remember(user_id, view);
  }

  void change_cached(const WriteOp& op) {
    auto view = cached(op.user_id);
    if (!view) return;
    view->apply(op, now_iso8601());
    remember(op.user_id, *view);
  }

  const JournaledOptions options_;
  Cache& cache_;
  Metrics& metrics_;
  std::mutex turn_;           // see enter()
  mutable std::mutex mutex_;  // guards what follows, up to the health
  std::condition_variable changed_;
  std::unique_ptr<JournalFile> journal_;
  std::unique_ptr<ConversationStore> database_;  // once made, it stays
  std::deque<WriteOp> pending_;                  // as in the journal
  CircuitBreaker breaker_;
  bool online_ = false;
  bool stopping_ = false;
  std::string why_;  // not empty while offline
  std::chrono::steady_clock::time_point ask_at_{};
  mutable std::mutex health_mutex_;  // guards what follows; never held while something else is waited for
  StoreHealth health_;
  std::string description_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace

Result<std::unique_ptr<JournaledStore>> JournaledStore::open(JournaledOptions options, Cache& cache, Metrics& metrics) {
  auto store = std::make_unique<JournaledStoreImpl>(std::move(options), cache, metrics);
  MORGAN_CHECK_OK(store->start());
  std::unique_ptr<JournaledStore> opened = std::move(store);
  return opened;
}

}  // namespace morgan::stores
