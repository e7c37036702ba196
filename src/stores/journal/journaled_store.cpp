#include "stores/journal/journaled_store.h"

#include "base/file.h"
#include "base/log.h"
#include "base/time_text.h"
#include "stores/journal/cached_views.h"
#include "stores/journal/journal_file.h"
#include "stores/journal/pending_writes.h"
#include "stores/journal/refused_writes.h"
#include "stores/message_checks.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <span>
#include <thread>
#include <utility>

namespace morgan::stores {

namespace {

/// Appends that are written at once; after a kill so many may be written again, which changes nothing.
constexpr std::size_t kBatch = 256;
constexpr std::size_t kLast = 64;
/// How long a write waits for the last ones to be written: a database that has just shown that it writes, and another.
constexpr std::chrono::milliseconds kLastWithin{1000};
constexpr std::chrono::milliseconds kFirstWithin{100};
/// One write that was too slow so often gets more time.
constexpr int kTooSlowAt = 3;
constexpr std::chrono::milliseconds kPatience{60'000};

bool is_outage(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kOverloaded;
}

bool is_slow(const Error& error) {
  return error.code == ErrorCode::kDeadlineExceeded;
}

Failure away(const std::string& why) {
  return fail(ErrorCode::kUnavailable, "the history cannot be read while the database is away (" + why +
                                           "); what is said now is kept and will be stored");
}

class JournaledStoreImpl final : public JournaledStore {
 public:
  JournaledStoreImpl(JournaledOptions options, Cache& cache, Metrics& metrics)
      : options_(std::move(options)), views_(cache), metrics_(metrics), breaker_(options_.backoff) {}

  ~JournaledStoreImpl() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  Result<void> start() {
    MORGAN_CHECK_OK(make_folder());
    std::vector<std::string> records;
    MORGAN_TRY(journal_, JournalFile::open(options_.journal, options_.journal_bytes, records));
    for (const std::string& record : records) {
      auto op = from_record(record);
      if (!op) return fail(std::move(op).error());
      pending_.add(std::move(*op));
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
    if (!online_ && !options_.own_thread) attend();
    if (options_.own_thread) thread_ = std::thread([this] { watch(); });
    return {};
  }

  Result<StoredConversation> append(const std::string& user_id, const std::vector<StoredMessage>& messages) override {
    MORGAN_CHECK_OK(check_append(user_id, messages));
    const auto asked = views_.moment();
    const WriteOp op{WriteOp::Kind::kAppend, user_id, completed(messages, now_iso8601())};
    Result<StoredConversation> stored = fail(ErrorCode::kInternal, "");
    const auto call = [&](ConversationStore& database) -> Result<void> {
      stored = database.append(user_id, op.messages);
      if (!stored) return fail(stored.error());
      return {};
    };
    MORGAN_TRY(const bool online, write(op, call));
    if (!online) return known(user_id).conversation;
    views_.remember_append(op, *stored, asked);
    return stored;
  }

  Result<void> amend(const std::string& user_id, const std::string& message_id, const std::string& content,
                     const std::string& metadata) override {
    MORGAN_CHECK_OK(check_amend(user_id, content, metadata));
    const auto asked = views_.moment();
    const WriteOp op{WriteOp::Kind::kAmend,
                     user_id,
                     {{"user", content, now_iso8601(), 0, metadata.empty() ? "{}" : metadata, message_id}}};
    MORGAN_TRY(const bool online, write(op, [&](ConversationStore& database) {
                 return database.amend(user_id, message_id, content, metadata);
               }));
    if (online) views_.amend(op, asked);
    return {};
  }

  Result<std::vector<StoredMessage>> recent(const std::string& user_id, int limit) override {
    const auto asked = views_.moment();
    auto read = from_database([&](ConversationStore& database) { return database.recent(user_id, limit); });
    if (read) {
      views_.remember_recent(user_id, *read, asked);
      return read;
    }
    if (!is_outage(read.error()) && !is_slow(read.error())) return read;
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
    if (online) views_.forget_conversation(user_id);
    return was_open;
  }

  Result<std::string> profile(const std::string& user_id) override {
    const auto asked = views_.moment();
    auto read = from_database([&](ConversationStore& database) { return database.profile(user_id); });
    if (read) {
      views_.remember_profile(user_id, *read, asked);
      return read;
    }
    if (!is_outage(read.error()) && !is_slow(read.error())) return read;
    {
      const auto lock = enter();
      if (auto waiting = pending_.profile(user_id)) return std::move(*waiting);
    }
    if (auto cached = views_.profile(user_id)) return std::move(*cached);
    return read;  // "{}" would be written over what was learned
  }

  Result<void> set_profile(const std::string& user_id, const std::string& json) override {
    MORGAN_CHECK_OK(check_profile(user_id, json));
    const auto asked = views_.moment();
    const WriteOp op{WriteOp::Kind::kSetProfile, user_id, {}, json};
    MORGAN_CHECK_OK(write(op, [&](ConversationStore& database) { return database.set_profile(user_id, json); }));
    views_.remember_profile(user_id, json, asked);
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
    views_.forget_user(user_id);
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
      const Result<void> answer = database_->ping();
      lock.lock();
      if (!answer && online_) leave(answer.error().message);
      return;
    }
    if (!breaker_.allows(now)) return;
    lock.unlock();
    const Result<void> reached = reach();
    lock.lock();
    if (!reached) return leave_again(reached.error());
    const bool stored = write_waiting(lock);
    if (stored) come_back();
    draining_ = false;
    drained_.notify_all();
  }

 private:
  using Call = std::function<Result<void>(ConversationStore&)>;

  Result<void> make_folder() const {
    const std::filesystem::path folder = options_.journal.parent_path();
    if (folder.empty()) return {};
    std::error_code status;  // JournalFile::open says what is wrong
    std::filesystem::create_directories(folder, status);
    if (status) return {};
    return sync_path(folder.has_parent_path() ? folder.parent_path() : std::filesystem::path("."));
  }

  /// Does the write now, or puts it into the journal. @return true: now
  Result<bool> write(const WriteOp& op, const Call& call) {
    std::unique_lock lock = enter();
    // While the last ones that wait are written; but a database that hangs is not waited for.
    const auto until = drain_until_;
    drained_.wait_until(lock, until, [&] { return !draining_; });
    if (online_) {
      lock.unlock();
      const Result<void> done = call(*database_);
      if (done) return true;
      if (!is_outage(done.error()) && !is_slow(done.error())) return fail(done.error());
      lock = enter();
      // It may have happened: its ids make it safe to do again.
      if (online_) leave(done.error().message);
    }
    if (op.kind == WriteOp::Kind::kAmend && pending_.will_forget(op.user_id, op.messages.front().id)) {
      return fail(ErrorCode::kNotFound, "the message to be amended is not there any more");
    }
    MORGAN_CHECK_OK(journal_->add(to_record(op)));
    pending_.add(op);
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

  /// Writes what waits. `lock` holds mutex_, but not while the database is waited for. @return whether all is stored
  bool write_waiting(std::unique_lock<std::mutex>& lock) {
    bool writes = false;
    while (!pending_.empty() && !stopping_) {
      const std::vector<PendingWrites::Op> batch = pending_.next_batch(most_at_once_);
      // Who speaks without a pause would always add one more: while the last ones are written, others wait.
      draining_ = pending_.size() <= kLast;
      drain_until_ = std::chrono::steady_clock::now() + (writes ? kLastWithin : kFirstWithin);
      lock.unlock();
      std::size_t done = 0;
      const Result<void> written = write_batch(batch, done);
      views_.replayed(std::span(batch).first(done));
      lock.lock();
      writes = true;
      pace(batch.size(), done, written);
      if (!mark_done(done)) return false;
      if (!written) {
        leave_again(written.error());
        return false;
      }
    }
    return !stopping_;
  }

  /// Fewer at once, and then more time, for what is too slow though the database answers: one large write is not to
  /// keep everybody out for ever. The caller holds mutex_.
  void pace(std::size_t given, std::size_t done, const Result<void>& written) {
    if (done > 0) too_slow_ = 0;
    if (written) {
      most_at_once_ = std::min(kBatch, most_at_once_ * 2);
    } else if (is_slow(written.error())) {
      most_at_once_ = std::max<std::size_t>(1, given / 8);
      if (given == 1 && ++too_slow_ == kTooSlowAt) {
        log::warn("stores", "a write that waits is too slow for the database: it gets a minute",
                  {{"why", written.error().message}});
      }
    }
  }

  /// The caller holds mutex_.
  void come_back() {
    online_ = true;
    why_.clear();
    breaker_.succeeded();
    ask_at_ = options_.now() + options_.ask_every;
    log::info("stores", "the database is back, everything is stored");
    publish();
  }

  /// @param done  how many are written, or refused for ever   @error an outage, or too slow
  Result<void> write_batch(const std::vector<PendingWrites::Op>& batch, std::size_t& done) {
    if (batch.size() > 1) {
      std::vector<WaitingAppend> appends;
      for (const PendingWrites::Op& op : batch)
        appends.push_back({op->user_id, op->messages});
      const Result<void> all = database_->append_all(appends);
      if (all) done = batch.size();
      if (all || is_outage(all.error()) || is_slow(all.error())) return all;
    }
    for (; done < batch.size(); ++done)
      MORGAN_CHECK_OK(write_one(*batch[done]));
    return {};
  }

  /// @error an outage, or too slow; what the database refuses for ever is kept in a file of its own
  Result<void> write_one(const WriteOp& op) {
    const bool patiently = too_slow_ >= kTooSlowAt;
    if (patiently) database_->set_patience(kPatience);
    Result<void> written = apply(op, *database_);
    if (patiently) database_->set_patience({});
    if (written || is_outage(written.error()) || is_slow(written.error())) return written;
    MORGAN_CHECK_OK(keep_refused(options_.journal.string() + ".refused", to_record(op)));
    log::error("stores", "the database refused a write that had waited; it is kept beside the journal",
               {{"why", written.error().message}});
    metrics_.count("morgan_store_refused_writes_total", {});
    return {};
  }

  bool mark_done(std::size_t count) {
    if (count == 0) return true;
    if (const Result<void> marked = journal_->done(count); !marked) {
      // They are written again at the next attempt, which changes nothing.
      leave_again(marked.error());
      return false;
    }
    pending_.drop(count);
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
    std::vector<PendingWrites::Op> waiting;
    {
      const auto lock = enter();
      waiting = pending_.of(user_id);
    }
    // In this order: what is written meanwhile is in the view before it waits no more.
    ConversationView view = views_.view(user_id).value_or(ConversationView{});
    const std::string now = now_iso8601();
    for (std::size_t i = first_unknown(view, waiting); i < waiting.size(); ++i)
      view.apply(*waiting[i], now);
    return view;
  }

  /// What is before an append that the view has, is in it, too.
  static std::size_t first_unknown(const ConversationView& view, const std::vector<PendingWrites::Op>& waiting) {
    for (std::size_t i = waiting.size(); i > 0; --i) {
      if (waiting[i - 1]->kind != WriteOp::Kind::kAppend) continue;
      const std::string& id = waiting[i - 1]->messages.back().id;
      const bool is_in = std::any_of(view.messages.begin(), view.messages.end(),
                                     [&](const StoredMessage& message) { return message.id == id; });
      if (is_in) return i;
    }
    return 0;
  }

  const JournaledOptions options_;
  CachedViews views_;
  Metrics& metrics_;
  std::mutex turn_;           // see enter()
  mutable std::mutex mutex_;  // guards what follows, up to the health; never held while the database is waited for
  std::condition_variable changed_;
  std::unique_ptr<JournalFile> journal_;
  std::unique_ptr<ConversationStore> database_;  // once made, it stays
  PendingWrites pending_;                        // as in the journal
  CircuitBreaker breaker_;
  bool online_ = false;
  bool draining_ = false;  // the last ones are being written: who comes waits, until
  std::chrono::steady_clock::time_point drain_until_{};
  std::condition_variable drained_;
  // Changed by attend's thread alone.
  std::size_t most_at_once_ = kBatch;
  int too_slow_ = 0;  // how often the one at the front was
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
