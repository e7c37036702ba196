#include "stores/postgres/pg_migrations.h"

#include "base/log.h"

namespace morgan::stores {

namespace {

using Migration = std::vector<const char*>;

/// Entry n brings version n to n + 1. An entry that was released is never changed again.
const std::vector<Migration>& migrations() {
  static const std::vector<Migration> kMigrations{
      // 001: conversations, their messages, and how a user speaks: SQLite's versions 1 to 3.
      {R"sql(
CREATE TABLE conversations (
  id              bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  conversation_id text        NOT NULL UNIQUE,
  user_id         text        NOT NULL,
  title           text        NOT NULL DEFAULT '',
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  message_count   bigint      NOT NULL DEFAULT 0,
  is_active       boolean     NOT NULL DEFAULT true
))sql",
       "CREATE UNIQUE INDEX conversations_active_user ON conversations (user_id) WHERE is_active",
       "CREATE INDEX conversations_user ON conversations (user_id)",
       "CREATE INDEX conversations_updated ON conversations (updated_at DESC, id DESC)",
       R"sql(
CREATE TABLE messages (
  conversation bigint      NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  sequence     bigint      NOT NULL,
  message_id   text        NOT NULL UNIQUE,
  role         text        NOT NULL CHECK (role IN ('system', 'user', 'assistant', 'tool')),
  content      text        NOT NULL,
  created_at   timestamptz NOT NULL,
  metadata     json        NOT NULL DEFAULT '{}',
  PRIMARY KEY (conversation, sequence)
))sql",
       R"sql(
CREATE TABLE speaker_profiles (
  user_id    text        PRIMARY KEY,
  profile    json        NOT NULL,
  updated_at timestamptz NOT NULL
))sql"},
      // 002: memories. A user's revision grows with each write, so that another Morgan sees that its index is old.
      {R"sql(
CREATE TABLE memory_users (
  user_id  text   PRIMARY KEY,
  revision bigint NOT NULL,
  total    bigint NOT NULL
))sql",
       R"sql(
CREATE TABLE memories (
  id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  memory_id    text        NOT NULL UNIQUE,
  user_id      text        NOT NULL REFERENCES memory_users (user_id) ON DELETE CASCADE,
  content      text        NOT NULL,
  category     text        NOT NULL,
  importance   integer     NOT NULL,
  source       text        NOT NULL,
  created_at   timestamptz NOT NULL,
  updated_at   timestamptz NOT NULL,
  vector_model text        NOT NULL DEFAULT '',
  vector       bytea       NOT NULL DEFAULT ''
))sql",
       "CREATE INDEX memories_user ON memories (user_id, id DESC)"},
  };
  return kMigrations;
}

/// "Morg": whoever migrates holds it.
constexpr const char* kLock = "SELECT pg_advisory_lock(1299149415)";
constexpr const char* kUnlock = "SELECT pg_advisory_unlock(1299149415)";
/// While another migrates a large table, this one begins with its journal.
constexpr std::chrono::milliseconds kLockWithin{10'000};
constexpr std::chrono::milliseconds kMigratedWithin{120'000};

Result<long long> current_version(PgConnection& connection, const std::string& name) {
  MORGAN_TRY(const PgRows table, connection.run_unprepared("SELECT to_regclass('morgan_migrations') IS NOT NULL, "
                                                           "to_regclass('conversations') IS NOT NULL OR "
                                                           "to_regclass('messages') IS NOT NULL"));
  if (table.text(0, 0) == "f") {
    if (table.text(0, 1) == "f") return 0LL;
    return fail(ErrorCode::kCorrupt, "the PostgreSQL database " + name +
                                         " has tables of another program; make a database of its own for Morgan");
  }
  MORGAN_TRY(const PgRows rows, connection.run_unprepared("SELECT coalesce(max(version), 0) FROM morgan_migrations"));
  const long long version = rows.integer(0, 0);
  if (version > newest_pg_schema()) {
    return fail(ErrorCode::kCorrupt, "the PostgreSQL database " + name + " was written by a newer Morgan (version " +
                                         std::to_string(version) + ", this one knows " +
                                         std::to_string(newest_pg_schema()) +
                                         "); install that Morgan, or name another database");
  }
  return version;
}

Result<void> apply_from(long long version, PgConnection& connection) {
  MORGAN_CHECK_OK(
      connection.run_unprepared("CREATE TABLE IF NOT EXISTS morgan_migrations (version bigint PRIMARY KEY, "
                                "applied_at timestamptz NOT NULL DEFAULT now())"));
  for (long long next = version; next < newest_pg_schema(); ++next) {
    for (const char* const sql : migrations()[static_cast<std::size_t>(next)]) {
      MORGAN_CHECK_OK(connection.run_unprepared(sql, {}, kMigratedWithin));
    }
    MORGAN_CHECK_OK(connection.run_unprepared("INSERT INTO morgan_migrations (version) VALUES ($1::bigint)",
                                              {std::to_string(next + 1)}));
  }
  return {};
}

Result<void> migrate_locked(PgConnection& connection, const std::string& name) {
  MORGAN_TRY(const long long version, current_version(connection, name));
  if (version == newest_pg_schema()) return {};
  MORGAN_CHECK_OK(connection.run_unprepared("BEGIN"));
  const Result<void> applied = apply_from(version, connection);
  const Result<PgRows> ended = connection.run_unprepared(applied ? "COMMIT" : "ROLLBACK");
  MORGAN_CHECK_OK(applied);
  if (!ended) return fail(ended.error());
  log::info("stores", "database migrated", {{"database", name}, {"version", std::to_string(newest_pg_schema())}});
  return {};
}

}  // namespace

long long newest_pg_schema() {
  return static_cast<long long>(migrations().size());
}

Result<void> migrate(PgConnection& connection, const std::string& name) {
  // Held by the session, and before the transaction begins: what a transaction knows of the catalogue may be older than
  // the moment at which it got a lock.
  MORGAN_CHECK_OK(connection.run_unprepared("SELECT set_config('statement_timeout', '0', false)"));
  MORGAN_CHECK_OK(connection.run_unprepared(kLock, {}, kLockWithin));
  const Result<void> migrated = migrate_locked(connection, name);
  if (const auto unlocked = connection.run_unprepared(kUnlock); !unlocked && migrated) return fail(unlocked.error());
  return migrated;
}

}  // namespace morgan::stores
