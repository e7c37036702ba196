#include "stores/sqlite/migrations.h"

#include <array>

namespace morgan::stores {

namespace {

/// Entry n brings version n to n + 1. An entry that was released is never changed again.
constexpr std::array kMigrations{
    // 001: conversations and their messages. 1299149415 is "Morg", by which file(1) and migrate() know the file.
    R"sql(
PRAGMA application_id = 1299149415;
CREATE TABLE conversations (
  id              INTEGER PRIMARY KEY,
  conversation_id TEXT    NOT NULL UNIQUE,
  user_id         TEXT    NOT NULL,
  title           TEXT    NOT NULL DEFAULT '',
  created_at      TEXT    NOT NULL,
  updated_at      TEXT    NOT NULL,
  message_count   INTEGER NOT NULL DEFAULT 0,
  is_active       INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX conversations_active_user ON conversations (user_id) WHERE is_active = 1;
CREATE INDEX conversations_user ON conversations (user_id);
CREATE INDEX conversations_updated ON conversations (updated_at DESC, id DESC);
CREATE TABLE messages (
  conversation INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  sequence     INTEGER NOT NULL,
  role         TEXT    NOT NULL,
  content      TEXT    NOT NULL,
  created_at   TEXT    NOT NULL,
  metadata     TEXT    NOT NULL DEFAULT '{}',
  UNIQUE (conversation, sequence)
) STRICT;
)sql",
    // 002: how a user speaks: pauses inside turns, so far.
    R"sql(
CREATE TABLE speaker_profiles (
  user_id    TEXT NOT NULL PRIMARY KEY,
  profile    TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql",
    // 003: names for messages, by which a write that is repeated is known. Older messages get theirs here.
    R"sql(
ALTER TABLE messages ADD COLUMN message_id TEXT NOT NULL DEFAULT '';
UPDATE messages SET message_id = 'msg_' || lower(hex(randomblob(12)));
CREATE UNIQUE INDEX messages_message_id ON messages (message_id);
)sql",
    // 004: what is remembered of a user. A vector is 32 bit floats, little-endian; NULL without an embedding model.
    R"sql(
CREATE TABLE memories (
  id           INTEGER PRIMARY KEY,
  memory_id    TEXT    NOT NULL UNIQUE,
  user_id      TEXT    NOT NULL,
  content      TEXT    NOT NULL,
  category     TEXT    NOT NULL DEFAULT 'other',
  importance   INTEGER NOT NULL DEFAULT 5 CHECK (importance BETWEEN 1 AND 10),
  source       TEXT    NOT NULL DEFAULT '',
  created_at   TEXT    NOT NULL,
  updated_at   TEXT    NOT NULL,
  vector_model TEXT,
  vector       BLOB
) STRICT;
CREATE INDEX memories_user ON memories (user_id, id);
)sql",
    // 005: what is kept for a user beside the conversation: timers, notes, entries of lists.
    R"sql(
CREATE TABLE user_items (
  number     INTEGER PRIMARY KEY,
  kind       TEXT NOT NULL,
  id         TEXT NOT NULL,
  user_id    TEXT NOT NULL,
  body       TEXT NOT NULL,
  created_at TEXT NOT NULL,
  UNIQUE (kind, id)
) STRICT;
CREATE INDEX user_items_user ON user_items (user_id, kind);
)sql",
};

constexpr long long kApplicationId = 1299149415;

Failure foreign_database(const std::filesystem::path& file) {
  return fail(ErrorCode::kCorrupt, "the database " + file.string() +
                                       " belongs to another program; choose another file for the conversations");
}

Result<long long> checked_version(Connection& connection, const std::filesystem::path& file) {
  MORGAN_TRY(const long long version, connection.query_integer("PRAGMA user_version"));
  if (version == 0) {
    MORGAN_TRY(const long long tables, connection.query_integer("SELECT count(*) FROM sqlite_master"));
    if (tables > 0) return foreign_database(file);
    return version;
  }
  MORGAN_TRY(const long long application, connection.query_integer("PRAGMA application_id"));
  if (application != kApplicationId) return foreign_database(file);
  if (version > newest_schema()) {
    return fail(ErrorCode::kCorrupt, "the database " + file.string() + " was written by a newer Morgan (version " +
                                         std::to_string(version) + ", this one knows " +
                                         std::to_string(newest_schema()) +
                                         "); install that Morgan, or choose another file");
  }
  return version;
}

}  // namespace

long long newest_schema() {
  return static_cast<long long>(kMigrations.size());
}

Result<void> migrate(Connection& connection, const std::filesystem::path& file) {
  MORGAN_TRY(const long long seen, checked_version(connection, file));
  if (seen == newest_schema()) return {};
  MORGAN_TRY(Transaction transaction, Transaction::begin(connection, "BEGIN EXCLUSIVE"));
  // Again, now that nobody else can be at it.
  MORGAN_TRY(const long long version, checked_version(connection, file));
  for (long long next = version; next < newest_schema(); ++next) {
    MORGAN_CHECK_OK(connection.execute(kMigrations[static_cast<std::size_t>(next)]));
  }
  const std::string set_version = "PRAGMA user_version = " + std::to_string(newest_schema());
  MORGAN_CHECK_OK(connection.execute(set_version.c_str()));
  return transaction.commit();
}

}  // namespace morgan::stores
