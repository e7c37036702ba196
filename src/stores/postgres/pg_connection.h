// One connection to PostgreSQL with its prepared statements, every wait bounded, and SQLSTATEs as Errors. Always in
// libpq's pipeline mode: a transaction of several statements costs one round trip. Private to this folder.
#pragma once

#include "base/result.h"

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::stores {

/// Where the database is. @thread any
class PgTarget {
 public:
  /// @param url  postgresql://user:password@host:port/database?sslmode=..., or libpq's "host=... dbname=..."
  /// @error kInvalidArgument  libpq cannot read it; the message does not hold the password
  static Result<PgTarget> parse(const std::string& url);
  const std::string& url() const { return url_; }
  /// "host:port/database", for messages.
  const std::string& name() const { return name_; }

  /// One of several; what is empty is as the url says.
  struct Host {
    std::string host;
    std::string address;
    std::string port;
  };
  /// In the url's order; one without anything when the url names no more than one.
  const std::vector<Host>& hosts() const { return hosts_; }

 private:
  std::string url_;
  std::string name_;
  std::vector<Host> hosts_;
};

/// A statement that every connection prepares when it is opened. Both are string literals.
struct PgStatement {
  const char* name;
  const char* sql;
};

/// One call of a prepared statement. Values are text; numbers too.
struct PgCall {
  const PgStatement* statement;
  std::vector<std::string> values;
};

/// What one statement answered.
class PgRows {
 public:
  explicit PgRows(PGresult* result) : result_(result) {}
  int count() const { return PQntuples(result_.get()); }
  std::string text(int row, int column) const;
  long long integer(int row, int column) const;
  /// Rows that it changed.
  long long affected() const;

 private:
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

using PgDeadline = std::chrono::steady_clock::time_point;

/// @thread one caller at a time
class PgConnection {
 public:
  static constexpr std::chrono::milliseconds kConnectWithin{3000};
  static constexpr std::chrono::milliseconds kAnswerWithin{5000};

  /// Connects and prepares `statements`, in two round trips. Each host has its share of kConnectWithin.
  /// @error kUnavailable  cannot be reached, or is starting or stopping   @error kUnauthorized  user or password
  /// @error kNotFound  no such database
  static Result<std::unique_ptr<PgConnection>> open(const PgTarget& target, std::span<const PgStatement> statements);

  /// Runs the calls in one transaction and one round trip. @return one answer per call
  /// @param within  the server gives up a statement a little earlier, so that a slow one is known from a hung server
  /// @error see pg_error; kUnavailable when the connection was lost or the server did not answer in time: then the
  ///        transaction may have happened, and usable() is false
  Result<std::vector<PgRows>> run(std::span<const PgCall> calls, std::chrono::milliseconds within = kAnswerWithin);
  Result<PgRows> run(const PgStatement& statement, std::vector<std::string> values);

  /// Runs SQL with values that was not prepared; for migrations and set-up.
  Result<PgRows> run_unprepared(const std::string& sql, const std::vector<std::string>& values = {},
                                std::chrono::milliseconds within = kAnswerWithin);

  /// False once it was lost.
  bool usable() const { return usable_; }
  /// It was lost because the server did not answer, not because it was closed.
  bool gave_up_waiting() const { return gave_up_waiting_; }

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  explicit PgConnection(std::string name) : name_(std::move(name)) {}
  Result<void> connect(const PgTarget& target);
  Result<void> connect_to(const PgTarget& target, const PgTarget::Host& host, PgDeadline deadline);
  Result<void> set_up(std::span<const PgStatement> statements);
  Result<void> wait(PgDeadline deadline, bool to_write);
  Result<std::vector<PgRows>> finish_pipeline(std::size_t calls, std::chrono::milliseconds within);
  Result<PGresult*> next_result(PgDeadline deadline);
  Failure lost(std::string_view why);

  std::string name_;
  std::unique_ptr<PGconn, Finish> connection_;
  bool usable_ = true;
  bool gave_up_waiting_ = false;
};

/// A SQLSTATE as an Error that says what to do. Never holds what was stored.
/// kUnavailable: try again later. kDeadlineExceeded: the server is there, the statement took too long. kConflict: a
/// unique value is there already. Else a mistake in the set-up or in Morgan.
Failure pg_error(std::string_view sqlstate, std::string_view message, const std::string& name);

/// PostgreSQL's text has no U+0000: it becomes U+0001 '0', and U+0001 becomes U+0001 '1'.
std::string to_pg_text(std::string_view text);
std::string from_pg_text(std::string_view text);

/// An array of text as PostgreSQL writes it.
std::string pg_array(std::span<const std::string> values);

}  // namespace morgan::stores
