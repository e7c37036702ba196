#include "stores/sqlite/sqlite_conversation_store.h"

#include "base/ids.h"
#include "base/log.h"
#include "base/time_text.h"
#include "stores/message_checks.h"
#include "stores/sqlite/migrations.h"
#include "stores/sqlite/sqlite_connection.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <utility>

namespace morgan::stores {

namespace {

constexpr std::size_t kMaxReaders = 4;

/// A few read connections, opened as they are needed. @thread any
class ReaderPool {
 public:
  /// Gives the connection back by itself.
  class Lease {
   public:
    Lease(ReaderPool& pool, std::unique_ptr<Connection> connection)
        : pool_(&pool), connection_(std::move(connection)) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (connection_ != nullptr) pool_->give_back(std::move(connection_));
    }
    Connection& operator*() const { return *connection_; }
    Connection* operator->() const { return connection_.get(); }

   private:
    ReaderPool* pool_;  // not owned; outlives the lease
    std::unique_ptr<Connection> connection_;
  };

  explicit ReaderPool(std::filesystem::path file) : file_(std::move(file)) {}

  /// Waits while all are in use. @error as Connection::open
  Result<Lease> take() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return !idle_.empty() || open_ < kMaxReaders; });
    if (!idle_.empty()) {
      std::unique_ptr<Connection> connection = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(connection));
    }
    ++open_;
    lock.unlock();
    auto opened = Connection::open(file_, Access::kRead);
    if (opened) return Lease(*this, std::move(opened).value());
    lock.lock();
    --open_;
    returned_.notify_one();
    return fail(std::move(opened).error());
  }

 private:
  void give_back(std::unique_ptr<Connection> connection) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
    returned_.notify_one();
  }

  const std::filesystem::path file_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Connection>> idle_;
  std::size_t open_ = 0;
};

struct ActiveConversation {
  long long id = 0;
  StoredConversation conversation;
};

/// The user's active conversation; id 0 when there is none.
Result<ActiveConversation> find_active(Connection& connection, const std::string& user_id) {
  MORGAN_TRY(Statement select,
             connection.prepare("SELECT id, conversation_id, created_at, updated_at, message_count FROM conversations "
                                "WHERE user_id = ?1 AND is_active = 1"));
  MORGAN_TRY(const bool found, select.bind(1, user_id).step());
  if (!found) return ActiveConversation{};
  return ActiveConversation{select.integer(0),
                            {select.text(1), user_id, select.text(2), select.text(3), select.integer(4)}};
}

Result<ActiveConversation> start_conversation(Connection& writer, const std::string& user_id, const std::string& now) {
  ActiveConversation started{0, {random_id("conv_"), user_id, now, now, 0}};
  MORGAN_TRY(Statement insert,
             writer.prepare("INSERT INTO conversations (conversation_id, user_id, created_at, updated_at) "
                            "VALUES (?1, ?2, ?3, ?3) RETURNING id"));
  insert.bind(1, started.conversation.conversation_id).bind(2, user_id).bind(3, now);
  MORGAN_CHECK_OK(insert.step());
  started.id = insert.integer(0);
  return started;
}

Result<void> insert_message(Connection& writer, const ActiveConversation& active, const StoredMessage& message) {
  MORGAN_TRY(Statement insert,
             writer.prepare("INSERT INTO messages (conversation, sequence, role, content, created_at, "
                            "metadata, message_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"));
  insert.bind(1, active.id).bind(2, active.conversation.message_count).bind(3, message.role);
  insert.bind(4, message.content).bind(5, message.created_at).bind(6, message.metadata).bind(7, message.id);
  return insert.run();
}

/// The conversation that has one of the messages; nullopt when none has.
Result<std::optional<StoredConversation>> find_repeated(Connection& writer,
                                                        const std::vector<StoredMessage>& messages) {
  for (const StoredMessage& message : messages) {
    if (message.id.empty()) continue;
    MORGAN_TRY(Statement select,
               writer.prepare("SELECT c.conversation_id, c.user_id, c.created_at, c.updated_at, c.message_count "
                              "FROM messages m JOIN conversations c ON c.id = m.conversation WHERE m.message_id = ?1"));
    MORGAN_TRY(const bool found, select.bind(1, message.id).step());
    if (found) {
      return std::optional(
          StoredConversation{select.text(0), select.text(1), select.text(2), select.text(3), select.integer(4)});
    }
  }
  return std::optional<StoredConversation>();
}

/// Rows of (role, content, created_at, sequence, metadata, message_id).
Result<std::vector<StoredMessage>> read_messages(Statement& select) {
  std::vector<StoredMessage> messages;
  for (;;) {
    MORGAN_TRY(const bool row, select.step());
    if (!row) return messages;
    messages.push_back(
        {select.text(0), select.text(1), select.text(2), select.integer(3), select.text(4), select.text(5)});
  }
}

class SqliteConversationStore final : public ConversationStore {
 public:
  SqliteConversationStore(std::filesystem::path file, std::unique_ptr<Connection> writer)
      : file_(std::move(file)), writer_(std::move(writer)), readers_(file_) {}

  Result<StoredConversation> append(const std::string& user_id, const std::vector<StoredMessage>& given) override {
    MORGAN_CHECK_OK(check_append(user_id, given));
    const std::lock_guard lock(writer_mutex_);
    const std::string now = now_iso8601();
    const std::vector<StoredMessage> messages = completed(given, now);
    MORGAN_TRY(Transaction transaction, Transaction::begin(*writer_, "BEGIN IMMEDIATE"));
    MORGAN_TRY(auto repeated, find_repeated(*writer_, given));
    if (repeated) return std::move(*repeated);
    MORGAN_TRY(ActiveConversation active, find_active(*writer_, user_id));
    if (active.id == 0) {
      MORGAN_TRY(active, start_conversation(*writer_, user_id, messages.front().created_at));
    }
    for (const StoredMessage& message : messages) {
      ++active.conversation.message_count;
      MORGAN_CHECK_OK(insert_message(*writer_, active, message));
    }
    // A clock that was set back does not make the conversation older.
    active.conversation.updated_at = std::max(active.conversation.updated_at, now);
    MORGAN_TRY(Statement update,
               writer_->prepare("UPDATE conversations SET message_count = ?1, updated_at = ?2 WHERE id = ?3"));
    update.bind(1, active.conversation.message_count).bind(2, active.conversation.updated_at).bind(3, active.id);
    MORGAN_CHECK_OK(update.run());
    MORGAN_CHECK_OK(transaction.commit());
    return active.conversation;
  }

  Result<void> amend(const std::string& user_id, const std::string& message_id, const std::string& content,
                     const std::string& metadata) override {
    MORGAN_CHECK_OK(check_amend(user_id, content, metadata));
    const std::lock_guard lock(writer_mutex_);
    MORGAN_TRY(
        Statement update,
        writer_->prepare("UPDATE messages SET content = ?3, metadata = ?4 WHERE message_id = ?2 AND conversation = "
                         "(SELECT id FROM conversations WHERE user_id = ?1 AND is_active = 1)"));
    const std::string_view object = metadata.empty() ? std::string_view("{}") : metadata;
    MORGAN_CHECK_OK(update.bind(1, user_id).bind(2, message_id).bind(3, content).bind(4, object).run());
    if (writer_->changes() > 0) return {};
    return fail(ErrorCode::kNotFound, "the message to be amended is not there any more");
  }

  Result<std::string> profile(const std::string& user_id) override {
    MORGAN_TRY(auto reader, readers_.take());
    MORGAN_TRY(Statement select, reader->prepare("SELECT profile FROM speaker_profiles WHERE user_id = ?1"));
    MORGAN_TRY(const bool found, select.bind(1, user_id).step());
    return found ? select.text(0) : std::string("{}");
  }

  Result<void> set_profile(const std::string& user_id, const std::string& json) override {
    MORGAN_CHECK_OK(check_profile(user_id, json));
    const std::lock_guard lock(writer_mutex_);
    MORGAN_TRY(Statement insert,
               writer_->prepare("INSERT INTO speaker_profiles (user_id, profile, updated_at) VALUES (?1, ?2, ?3) "
                                "ON CONFLICT (user_id) DO UPDATE SET profile = ?2, updated_at = ?3"));
    const std::string now = now_iso8601();
    return insert.bind(1, user_id).bind(2, json).bind(3, now).run();
  }

  Result<std::vector<StoredMessage>> recent(const std::string& user_id, int limit) override {
    MORGAN_TRY(auto reader, readers_.take());
    MORGAN_TRY(
        Statement select,
        reader->prepare(
            "SELECT m.role, m.content, m.created_at, m.sequence, m.metadata, m.message_id "
            "FROM conversations c JOIN messages m ON m.conversation = c.id WHERE c.user_id = ?1 AND c.is_active = 1 "
            "ORDER BY m.sequence DESC LIMIT ?2"));
    select.bind(1, user_id).bind(2, static_cast<long long>(std::max(0, limit)));
    MORGAN_TRY(auto messages, read_messages(select));
    std::reverse(messages.begin(), messages.end());
    return messages;
  }

  Result<MessagePage> page(const std::string& user_id, long long limit, long long offset) override {
    MORGAN_TRY(auto reader, readers_.take());
    // One transaction, so that the total fits the messages.
    MORGAN_TRY(Transaction transaction, Transaction::begin(*reader, "BEGIN"));
    MORGAN_TRY(const ActiveConversation active, find_active(*reader, user_id));
    MessagePage result;
    if (active.id != 0) {
      // Sequences have no gaps, so the offset is a place in the index and a late page costs no more than the first.
      MORGAN_TRY(Statement select,
                 reader->prepare("SELECT role, content, created_at, sequence, metadata, message_id FROM messages "
                                 "WHERE conversation = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3"));
      select.bind(1, active.id).bind(2, std::max(0LL, offset)).bind(3, std::max(0LL, limit));
      MORGAN_TRY(result.messages, read_messages(select));
      result.total = active.conversation.message_count;
    }
    MORGAN_CHECK_OK(transaction.commit());
    return result;
  }

  Result<std::vector<StoredConversation>> list(long long limit, long long offset, const std::string& user_id) override {
    MORGAN_TRY(auto reader, readers_.take());
    MORGAN_TRY(Statement select,
               reader->prepare("SELECT conversation_id, user_id, created_at, updated_at, message_count "
                               "FROM conversations WHERE ?3 = '' OR user_id = ?3 "
                               "ORDER BY updated_at DESC, id DESC LIMIT ?1 OFFSET ?2"));
    select.bind(1, std::max(0LL, limit)).bind(2, std::max(0LL, offset)).bind(3, user_id);
    std::vector<StoredConversation> conversations;
    for (;;) {
      MORGAN_TRY(const bool row, select.step());
      if (!row) return conversations;
      conversations.push_back({select.text(0), select.text(1), select.text(2), select.text(3), select.integer(4)});
    }
  }

  Result<bool> reset(const std::string& user_id) override {
    const std::lock_guard lock(writer_mutex_);
    MORGAN_TRY(Statement close,
               writer_->prepare("UPDATE conversations SET is_active = 0, updated_at = max(updated_at, ?2) "
                                "WHERE user_id = ?1 AND is_active = 1"));
    const std::string now = now_iso8601();
    MORGAN_CHECK_OK(close.bind(1, user_id).bind(2, now).run());
    return writer_->changes() > 0;
  }

  Result<long long> erase(const std::string& user_id) override {
    const std::lock_guard lock(writer_mutex_);
    MORGAN_TRY(Transaction transaction, Transaction::begin(*writer_, "BEGIN IMMEDIATE"));
    MORGAN_TRY(Statement messages, writer_->prepare("DELETE FROM messages WHERE conversation IN "
                                                    "(SELECT id FROM conversations WHERE user_id = ?1)"));
    MORGAN_CHECK_OK(messages.bind(1, user_id).run());
    const long long deleted = writer_->changes();
    MORGAN_TRY(Statement conversations, writer_->prepare("DELETE FROM conversations WHERE user_id = ?1"));
    MORGAN_CHECK_OK(conversations.bind(1, user_id).run());
    MORGAN_TRY(Statement profile, writer_->prepare("DELETE FROM speaker_profiles WHERE user_id = ?1"));
    MORGAN_CHECK_OK(profile.bind(1, user_id).run());
    MORGAN_CHECK_OK(transaction.commit());
    // The text is still in the write-ahead log until that is written over.
    writer_->checkpoint();
    return deleted;
  }

  Result<void> ping() override {
    std::error_code status;
    if (!std::filesystem::exists(file_, status)) {
      return fail(ErrorCode::kUnavailable,
                  "the database " + file_.string() + " was removed while in use; restart Morgan to begin a new one");
    }
    MORGAN_TRY(auto reader, readers_.take());
    MORGAN_CHECK_OK(reader->query_integer("SELECT id FROM conversations LIMIT 1"));
    return {};
  }

  std::string description() const override {
    return std::string("sqlite ") + sqlite3_libversion() + " " + file_.string() + " (schema " +
           std::to_string(newest_schema()) + ")";
  }

 private:
  const std::filesystem::path file_;
  std::mutex writer_mutex_;  // guards writer_
  std::unique_ptr<Connection> writer_;
  ReaderPool readers_;
};

}  // namespace

Result<std::unique_ptr<ConversationStore>> open_sqlite_store(const std::filesystem::path& file) {
  std::error_code status;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), status);
  if (status) {
    return fail(ErrorCode::kUnavailable, "cannot make the folder of the database " + file.string() + ": " +
                                             status.message() + "; choose a folder that this user may write to");
  }
  MORGAN_TRY(auto writer, Connection::open(file, Access::kWrite));
  MORGAN_CHECK_OK(migrate(*writer, file));
  log::debug("stores", "database open", {{"file", file.string()}});
  std::unique_ptr<ConversationStore> store = std::make_unique<SqliteConversationStore>(file, std::move(writer));
  return store;
}

}  // namespace morgan::stores
