#include "stores/sqlite/sqlite_connection.h"

#include "base/file.h"
#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

namespace morgan::stores {

namespace {

constexpr int kBusyTimeoutMs = 5000;
constexpr int kBusyRetryMs = 5;

/// SQLite would make it readable for everybody; the log and index files beside it take its mode.
Result<void> ensure_private_file(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    const int reason = errno;
    return fail(ErrorCode::kUnavailable, "cannot open the database " + file.string() + ": " +
                                             describe_errno(reason, file) +
                                             "; choose a folder that this user may write to");
  }
  ::close(descriptor);
  return {};
}

}  // namespace

Failure sqlite_error(int status, const std::string& message, const std::filesystem::path& file) {
  const std::string name = "the database " + file.string();
  switch (status & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail(ErrorCode::kUnavailable, name + " is locked by another process; end that process or try again");
    case SQLITE_FULL:
      return fail(ErrorCode::kUnavailable,
                  name + " cannot grow: " + describe_errno(ENOSPC, file) + "; free some space");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return fail(ErrorCode::kUnavailable, name + " cannot be written (" + message +
                                               "); check that this user may write to the file and its folder");
    case SQLITE_IOERR:
      return fail(ErrorCode::kUnavailable,
                  name + " could not be read or written (" + message + "); check the disk and its free space");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return fail(ErrorCode::kCorrupt, name + " is damaged or not a database (" + message +
                                           "); move it away to start anew, or restore a backup");
    case SQLITE_TOOBIG:
      return fail(ErrorCode::kTooLarge, "the message is too large for " + name);
    default:
      return fail(ErrorCode::kInternal, name + ": " + message);
  }
}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      prepared_(std::exchange(other.prepared_, nullptr)),
      file_(other.file_),
      bind_status_(other.bind_status_) {}

Statement::~Statement() {
  if (prepared_ == nullptr) return;
  sqlite3_reset(prepared_);
  sqlite3_clear_bindings(prepared_);
}

Statement& Statement::bind(int parameter, std::string_view text) {
  // An empty view may have a null address, which SQLite would take for NULL.
  const char* const bytes = text.empty() ? "" : text.data();
  const int status = sqlite3_bind_text64(prepared_, parameter, bytes, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (status != SQLITE_OK) bind_status_ = status;
  return *this;
}

Statement& Statement::bind(int parameter, long long number) {
  const int status = sqlite3_bind_int64(prepared_, parameter, number);
  if (status != SQLITE_OK) bind_status_ = status;
  return *this;
}

Statement& Statement::bind_blob(int parameter, std::string_view bytes) {
  const int status = sqlite3_bind_blob64(prepared_, parameter, bytes.data(), bytes.size(), SQLITE_STATIC);
  if (status != SQLITE_OK) bind_status_ = status;
  return *this;
}

Result<bool> Statement::step() {
  if (bind_status_ != SQLITE_OK) return sqlite_error(bind_status_, sqlite3_errstr(bind_status_), *file_);
  const int status = sqlite3_step(prepared_);
  if (status == SQLITE_ROW) return true;
  if (status == SQLITE_DONE) return false;
  return sqlite_error(sqlite3_extended_errcode(database_), sqlite3_errmsg(database_), *file_);
}

Result<void> Statement::run() {
  MORGAN_CHECK_OK(step());
  return {};
}

std::string Statement::text(int column) const {
  const unsigned char* const bytes = sqlite3_column_text(prepared_, column);
  if (bytes == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(prepared_, column))};
}

std::string_view Statement::blob(int column) const {
  const void* const bytes = sqlite3_column_blob(prepared_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(prepared_, column))};
}

long long Statement::integer(int column) const {
  return sqlite3_column_int64(prepared_, column);
}

Result<std::unique_ptr<Connection>> Connection::open(const std::filesystem::path& file, Access access) {
  if (access == Access::kWrite) MORGAN_CHECK_OK(ensure_private_file(file));
  std::unique_ptr<Connection> connection(new Connection(file));
  sqlite3* raw = nullptr;
  // Also a reader opens for writing: the index of the write-ahead log is shared memory that it must update.
  const int status = sqlite3_open_v2(file.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  connection->database_.reset(raw);
  if (status != SQLITE_OK) {
    return sqlite_error(status, raw == nullptr ? sqlite3_errstr(status) : sqlite3_errmsg(raw), file);
  }
  if (sqlite3_db_readonly(raw, "main") == 1) return sqlite_error(SQLITE_READONLY, "it is read-only", file);
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  if (access == Access::kRead) {
    MORGAN_CHECK_OK(connection->execute("PRAGMA query_only = ON"));
    return connection;
  }
  MORGAN_CHECK_OK(connection->use_write_ahead_log());
  MORGAN_CHECK_OK(
      connection->execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON"));
  return connection;
}

Result<void> Connection::use_write_ahead_log() {
  // Two processes that switch a new file at once may see "locked" without SQLite's own waiting.
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::milliseconds(kBusyTimeoutMs);
  for (;;) {
    sqlite3_stmt* raw = nullptr;
    int status = sqlite3_prepare_v2(database_.get(), "PRAGMA journal_mode = WAL", -1, &raw, nullptr);
    const std::unique_ptr<sqlite3_stmt, FinalizeStatement> statement(raw);
    if (status == SQLITE_OK) status = sqlite3_step(raw);
    if (status == SQLITE_ROW) {
      const auto* const mode = reinterpret_cast<const char*>(sqlite3_column_text(raw, 0));
      if (mode == nullptr || std::string_view(mode) != "wal") {
        log::warn("stores", "no write-ahead log on this file system: reads and writes wait for each other",
                  {{"file", file_.string()}});
      }
      return {};
    }
    const bool busy = (status & 0xff) == SQLITE_BUSY;
    if (!busy || std::chrono::steady_clock::now() > give_up) {
      return sqlite_error(status, sqlite3_errmsg(database_.get()), file_);
    }
    sqlite3_sleep(kBusyRetryMs);
  }
}

Result<Statement> Connection::prepare(const char* sql) {
  auto& kept = statements_[sql];
  if (kept == nullptr) {
    sqlite3_stmt* raw = nullptr;
    const int status = sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    if (status != SQLITE_OK) return sqlite_error(status, sqlite3_errmsg(database_.get()), file_);
    kept.reset(raw);
  }
  return Statement(database_.get(), kept.get(), file_);
}

Result<void> Connection::execute(const char* sql) {
  const int status = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  if (status == SQLITE_OK) return {};
  return sqlite_error(sqlite3_extended_errcode(database_.get()), sqlite3_errmsg(database_.get()), file_);
}

Result<long long> Connection::query_integer(const char* sql) {
  MORGAN_TRY(Statement statement, prepare(sql));
  MORGAN_TRY(const bool row, statement.step());
  return row ? statement.integer(0) : 0LL;
}

bool Connection::checkpoint() {
  const int code = sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (code == SQLITE_OK) return true;
  log::warn("stores", "what was erased stays in the write-ahead log until that is written over",
            {{"file", file_.string()}, {"why", sqlite3_errstr(code)}});
  return false;
}

Result<Transaction> Transaction::begin(Connection& connection, const char* begin) {
  MORGAN_TRY(Statement statement, connection.prepare(begin));
  MORGAN_CHECK_OK(statement.run());
  return Transaction(connection);
}

Transaction::~Transaction() {
  // Some failures (disk full) have already rolled back.
  if (connection_ == nullptr || sqlite3_get_autocommit(connection_->database_.get()) != 0) return;
  if (auto undone = connection_->execute("ROLLBACK"); !undone) {
    log::error("stores", "rollback failed", {{"reason", undone.error().message}});
  }
}

Result<void> Transaction::commit() {
  MORGAN_TRY(Statement statement, connection_->prepare("COMMIT"));
  MORGAN_CHECK_OK(statement.run());
  connection_ = nullptr;
  return {};
}

}  // namespace morgan::stores
