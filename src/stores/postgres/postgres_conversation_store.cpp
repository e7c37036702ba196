#include "stores/postgres/postgres_conversation_store.h"

#include "base/ids.h"
#include "base/log.h"
#include "base/time_text.h"
#include "stores/message_checks.h"
#include "stores/postgres/pg_migrations.h"
#include "stores/postgres/pg_pool.h"
#include "stores/postgres/pg_time.h"

#include <array>
#include <utility>

namespace morgan::stores {

namespace {

#define MORGAN_PG_MESSAGE "m.role, m.content, " MORGAN_PG_TIME("m.created_at") ", m.sequence, m.metadata, m.message_id"
#define MORGAN_PG_ACTIVE "(SELECT id FROM conversations WHERE user_id = $1 AND is_active)"
#define MORGAN_PG_CONVERSATION \
  "conversation_id, user_id, " MORGAN_PG_TIME("created_at") ", " MORGAN_PG_TIME("updated_at") ", message_count"

// One statement is one transaction: the conversation's row, locked by the update, orders those who append at once, so
// sequences have no gaps. A clock that was set back does not make a conversation older.
constexpr PgStatement kAppend{
    "append",
    "WITH target AS ("
    "  INSERT INTO conversations AS c (conversation_id, user_id, created_at, updated_at, message_count) "
    "  VALUES ($1, $2, ($6::timestamptz[])[1], $3::timestamptz, cardinality($4::text[])) "
    "  ON CONFLICT (user_id) WHERE is_active DO UPDATE SET "
    "    message_count = c.message_count + cardinality($4::text[]), "
    "    updated_at = greatest(c.updated_at, $3::timestamptz) "
    "  RETURNING *), "
    "written AS ("
    "  INSERT INTO messages (conversation, sequence, role, content, created_at, metadata, message_id) "
    "  SELECT target.id, target.message_count - cardinality($4::text[]) + said.place, said.role, said.content, "
    "         said.created_at, said.metadata, said.message_id "
    "  FROM target, unnest($4::text[], $5::text[], $6::timestamptz[], $7::json[], $8::text[]) WITH ORDINALITY "
    "       AS said (role, content, created_at, metadata, message_id, place)) "
    "SELECT " MORGAN_PG_CONVERSATION " FROM target"};
constexpr PgStatement kRepeated{"repeated",
                                "SELECT " MORGAN_PG_CONVERSATION
                                " FROM conversations WHERE id = "
                                "(SELECT conversation FROM messages WHERE message_id = ANY ($1::text[]) LIMIT 1)"};
constexpr PgStatement kAmend{
    "amend",
    "UPDATE messages SET content = $3, metadata = $4::json WHERE message_id = $2 AND conversation = " MORGAN_PG_ACTIVE};
// The conversation is looked up apart, not joined: then the order of the index is the order wanted, whatever the
// planner thinks of the tables, and a million messages are not sorted to read twenty.
constexpr PgStatement kRecent{"recent",
                              "SELECT " MORGAN_PG_MESSAGE " FROM messages m WHERE m.conversation = " MORGAN_PG_ACTIVE
                              " ORDER BY m.sequence DESC LIMIT $2::bigint"};
constexpr PgStatement kTotal{"total", "SELECT message_count FROM conversations WHERE user_id = $1 AND is_active"};
// Sequences have no gaps, so the offset is a place in the index and a late page costs no more than the first.
constexpr PgStatement kPage{"page", "SELECT " MORGAN_PG_MESSAGE
                                    ", (SELECT message_count FROM conversations WHERE user_id = $1 AND is_active) "
                                    "FROM messages m WHERE m.conversation = " MORGAN_PG_ACTIVE
                                    " AND m.sequence > $2::bigint ORDER BY m.sequence LIMIT $3::bigint"};
constexpr PgStatement kList{"list", "SELECT " MORGAN_PG_CONVERSATION
                                    " FROM conversations WHERE $3::text = '' OR user_id = $3::text "
                                    "ORDER BY updated_at DESC, id DESC LIMIT $1::bigint OFFSET $2::bigint"};
constexpr PgStatement kReset{
    "reset",
    "UPDATE conversations SET is_active = false, updated_at = greatest(updated_at, $2::timestamptz) "
    "WHERE user_id = $1 AND is_active"};
constexpr PgStatement kProfile{"profile", "SELECT profile FROM speaker_profiles WHERE user_id = $1"};
constexpr PgStatement kSetProfile{"set_profile",
                                  "INSERT INTO speaker_profiles (user_id, profile, updated_at) "
                                  "VALUES ($1, $2::json, $3::timestamptz) ON CONFLICT (user_id) DO UPDATE SET "
                                  "profile = excluded.profile, updated_at = excluded.updated_at"};
// Some at a time, or who has talked for years could not be erased within the time of one answer.
constexpr long long kErasedAtOnce = 10'000;
constexpr PgStatement kEraseMessages{
    "erase_messages",
    "DELETE FROM messages WHERE ctid = ANY (ARRAY(SELECT m.ctid FROM messages m WHERE m.conversation IN "
    "(SELECT id FROM conversations WHERE user_id = $1) LIMIT $2::bigint))"};
constexpr PgStatement kEraseConversations{"erase_conversations", "DELETE FROM conversations WHERE user_id = $1"};
constexpr PgStatement kEraseProfile{"erase_profile", "DELETE FROM speaker_profiles WHERE user_id = $1"};
constexpr PgStatement kPing{"ping", "SELECT 1"};

constexpr std::array kStatements{kAppend,       kRepeated, kAmend,   kRecent,     kTotal,         kPage,
                                 kList,         kReset,    kProfile, kSetProfile, kEraseMessages, kEraseConversations,
                                 kEraseProfile, kPing};

#undef MORGAN_PG_ACTIVE
#undef MORGAN_PG_CONVERSATION
#undef MORGAN_PG_MESSAGE

StoredConversation read_conversation(const PgRows& rows, int row) {
  return {from_pg_text(rows.text(row, 0)), from_pg_text(rows.text(row, 1)), rows.text(row, 2), rows.text(row, 3),
          rows.integer(row, 4)};
}

std::vector<StoredMessage> read_messages(const PgRows& rows) {
  std::vector<StoredMessage> messages;
  messages.reserve(static_cast<std::size_t>(rows.count()));
  for (int row = 0; row < rows.count(); ++row) {
    messages.push_back({rows.text(row, 0), from_pg_text(rows.text(row, 1)), rows.text(row, 2), rows.integer(row, 3),
                        rows.text(row, 4), from_pg_text(rows.text(row, 5))});
  }
  return messages;
}

template <typename Field>
std::string array_of(const std::vector<StoredMessage>& messages, Field field) {
  std::vector<std::string> values;
  values.reserve(messages.size());
  for (const StoredMessage& message : messages)
    values.push_back(to_pg_text(message.*field));
  return pg_array(values);
}

/// The ids make it safe to repeat: the second time they are there already. They are the last value.
PgCall append_call(const std::string& user_id, const std::vector<StoredMessage>& given) {
  const std::string now = now_iso8601();
  const std::vector<StoredMessage> messages = completed(given, now);
  return {&kAppend,
          {random_id("conv_"), to_pg_text(user_id), now, array_of(messages, &StoredMessage::role),
           array_of(messages, &StoredMessage::content), array_of(messages, &StoredMessage::created_at),
           array_of(messages, &StoredMessage::metadata), array_of(messages, &StoredMessage::id)}};
}

std::string count_of(long long number) {
  return std::to_string(std::max(0LL, number));
}

class PostgresConversationStore final : public ConversationStore {
 public:
  PostgresConversationStore(const PgTarget& target, std::size_t connections)
      : name_(target.name()), pool_(target, kStatements, connections) {}

  void add(std::unique_ptr<PgConnection> connection) { pool_.add(std::move(connection)); }

  Result<StoredConversation> append(const std::string& user_id, const std::vector<StoredMessage>& given) override {
    MORGAN_CHECK_OK(check_append(user_id, given));
    const PgCall call = append_call(user_id, given);
    const auto answers = pool_.run(std::span(&call, 1));
    if (answers) return read_conversation(answers->front(), 0);
    if (answers.error().code != ErrorCode::kConflict) return fail(answers.error());
    MORGAN_TRY(const PgRows repeated, pool_.run(kRepeated, {call.values.back()}));
    if (repeated.count() == 0) return fail(answers.error());
    return read_conversation(repeated, 0);
  }

  Result<void> append_all(const std::vector<WaitingAppend>& appends) override {
    std::vector<PgCall> calls;
    for (const WaitingAppend& one : appends) {
      MORGAN_CHECK_OK(check_append(one.user_id, one.messages));
      calls.push_back(append_call(one.user_id, one.messages));
    }
    const auto answers = pool_.run(calls);
    if (answers) return {};
    if (answers.error().code != ErrorCode::kConflict) return fail(answers.error());
    // Some are there already: one by one.
    return ConversationStore::append_all(appends);
  }

  Result<void> amend(const std::string& user_id, const std::string& message_id, const std::string& content,
                     const std::string& metadata) override {
    MORGAN_CHECK_OK(check_amend(user_id, content, metadata));
    MORGAN_TRY(const PgRows rows, pool_.run(kAmend, {to_pg_text(user_id), to_pg_text(message_id), to_pg_text(content),
                                                     metadata.empty() ? std::string("{}") : metadata}));
    if (rows.affected() > 0) return {};
    return fail(ErrorCode::kNotFound, "the message to be amended is not there any more");
  }

  Result<std::vector<StoredMessage>> recent(const std::string& user_id, int limit) override {
    MORGAN_TRY(const PgRows rows, pool_.run(kRecent, {to_pg_text(user_id), count_of(limit)}));
    std::vector<StoredMessage> messages = read_messages(rows);
    std::reverse(messages.begin(), messages.end());
    return messages;
  }

  Result<MessagePage> page(const std::string& user_id, long long limit, long long offset) override {
    const std::string user = to_pg_text(user_id);
    MORGAN_TRY(const PgRows rows, pool_.run(kPage, {user, count_of(offset), count_of(limit)}));
    MessagePage result{read_messages(rows), 0};
    // The total of the same moment; where there is no message, there is no moment to agree with.
    constexpr int kTotalColumn = 6;
    if (rows.count() > 0) {
      result.total = rows.integer(0, kTotalColumn);
      return result;
    }
    MORGAN_TRY(const PgRows total, pool_.run(kTotal, {user}));
    if (total.count() > 0) result.total = total.integer(0, 0);
    return result;
  }

  Result<std::vector<StoredConversation>> list(long long limit, long long offset, const std::string& user_id) override {
    MORGAN_TRY(const PgRows rows, pool_.run(kList, {count_of(limit), count_of(offset), to_pg_text(user_id)}));
    std::vector<StoredConversation> conversations;
    for (int row = 0; row < rows.count(); ++row)
      conversations.push_back(read_conversation(rows, row));
    return conversations;
  }

  Result<bool> reset(const std::string& user_id) override {
    MORGAN_TRY(const PgRows rows, pool_.run(kReset, {to_pg_text(user_id), now_iso8601()}));
    return rows.affected() > 0;
  }

  Result<std::string> profile(const std::string& user_id) override {
    MORGAN_TRY(const PgRows rows, pool_.run(kProfile, {to_pg_text(user_id)}));
    return rows.count() > 0 ? rows.text(0, 0) : std::string("{}");
  }

  Result<void> set_profile(const std::string& user_id, const std::string& json) override {
    MORGAN_CHECK_OK(check_profile(user_id, json));
    MORGAN_CHECK_OK(pool_.run(kSetProfile, {to_pg_text(user_id), json, now_iso8601()}));
    return {};
  }

  Result<long long> erase(const std::string& user_id) override {
    const std::string user = to_pg_text(user_id);
    long long erased = 0;
    for (long long some = kErasedAtOnce; some == kErasedAtOnce; erased += some) {
      MORGAN_TRY(const PgRows rows, pool_.run(kEraseMessages, {user, std::to_string(kErasedAtOnce)}));
      some = rows.affected();
    }
    const std::array calls{PgCall{&kEraseConversations, {user}}, PgCall{&kEraseProfile, {user}}};
    MORGAN_CHECK_OK(pool_.run(calls));
    return erased;
  }

  Result<void> ping() override {
    MORGAN_CHECK_OK(pool_.run(kPing, {}));
    return {};
  }

  void set_patience(std::chrono::milliseconds patience) override { pool_.set_patience(patience); }

  std::string description() const override {
    return "postgresql " + name_ + " (schema " + std::to_string(newest_pg_schema()) + ")";
  }

 private:
  const std::string name_;
  PgPool pool_;
};

}  // namespace

Result<std::unique_ptr<ConversationStore>> open_postgres_store(const PostgresOptions& options) {
  MORGAN_TRY(const PgTarget target, PgTarget::parse(options.url));
  {
    // The statements can only be prepared when the tables are there.
    MORGAN_TRY(const auto first, PgConnection::open(target, {}));
    MORGAN_CHECK_OK(migrate(*first, target.name()));
  }
  auto store = std::make_unique<PostgresConversationStore>(target, options.connections);
  MORGAN_TRY(auto connection, PgConnection::open(target, kStatements));
  store->add(std::move(connection));
  log::debug("stores", "database open", {{"database", target.name()}});
  std::unique_ptr<ConversationStore> opened = std::move(store);
  return opened;
}

Result<void> check_postgres_url(const std::string& url) {
  MORGAN_CHECK_OK(PgTarget::parse(url));
  return {};
}

}  // namespace morgan::stores
