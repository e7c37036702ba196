// One SQLite connection with its prepared statements, and SQLite's codes as Errors. Private to this folder.
#pragma once

#include "base/result.h"

#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace morgan::stores {

/// A prepared statement in use; resets itself and lets its bindings go, so that the connection may keep it.
/// @thread as its connection
class Statement {
 public:
  Statement(sqlite3* database, sqlite3_stmt* prepared, const std::filesystem::path& file)
      : database_(database), prepared_(prepared), file_(&file) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  /// Parameters are counted from 1. Text must outlive the statement's use. A failed bind shows in step().
  Statement& bind(int parameter, std::string_view text);
  Statement& bind(int parameter, long long number);
  Statement& bind_blob(int parameter, std::string_view bytes);

  /// @return true: a row is there   @error see sqlite_error
  Result<bool> step();
  /// For statements without rows.
  Result<void> run();

  /// Columns are counted from 0.
  std::string text(int column) const;
  long long integer(int column) const;
  /// Valid until the next step.
  std::string_view blob(int column) const;

 private:
  sqlite3* database_;
  sqlite3_stmt* prepared_;
  const std::filesystem::path* file_;
  int bind_status_ = SQLITE_OK;
};

enum class Access { kRead, kWrite };

/// @thread one caller at a time
class Connection {
 public:
  /// Waits up to `kBusyTimeoutMs` for other processes' locks; full fsyncs; a reader cannot write.
  /// @param file for kWrite it is created, readable by its owner only, when missing
  /// @error kUnavailable   @error kCorrupt  not a database
  static Result<std::unique_ptr<Connection>> open(const std::filesystem::path& file, Access access);

  /// @param sql a string literal: its address is the key under which the statement is kept
  Result<Statement> prepare(const char* sql);
  /// Runs one or more statements without parameters.
  Result<void> execute(const char* sql);
  /// First column of the first row, as an integer; 0 without a row.
  Result<long long> query_integer(const char* sql);
  /// Rows that the last statement changed.
  long long changes() const { return sqlite3_changes64(database_.get()); }
  /// Moves the write-ahead log into the file and empties it. False, and logged: a reader was in the way for too long.
  bool checkpoint();

 private:
  friend class Transaction;
  struct CloseDatabase {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  explicit Connection(std::filesystem::path file) : file_(std::move(file)) {}
  Result<void> use_write_ahead_log();

  std::filesystem::path file_;
  std::unique_ptr<sqlite3, CloseDatabase> database_;
  // After database_: statements go first.
  std::unordered_map<const char*, std::unique_ptr<sqlite3_stmt, FinalizeStatement>> statements_;
};

/// Rolls back unless committed.
class Transaction {
 public:
  /// @param begin "BEGIN", "BEGIN IMMEDIATE" or "BEGIN EXCLUSIVE"
  static Result<Transaction> begin(Connection& connection, const char* begin);
  Transaction(Transaction&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  /// Durable when it returns.
  Result<void> commit();

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;  // not owned; null once moved from or finished
};

/// An SQLite result code as an Error that says what to do. Never holds what was stored.
Failure sqlite_error(int status, const std::string& message, const std::filesystem::path& file);

}  // namespace morgan::stores
