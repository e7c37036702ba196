#include "stores/postgres/pg_connection.h"

#include "base/strings.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace morgan::stores {

namespace {

/// The first line of what libpq says, without the end of line.
std::string first_line(const char* message) {
  const std::string_view text(message == nullptr ? "" : message);
  return std::string(trim(text.substr(0, text.find('\n'))));
}

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

std::string error_field(const PGresult* result, int field) {
  const char* const text = PQresultErrorField(result, field);
  return text == nullptr ? "" : text;
}

/// As libpq takes them, separated by commas; none for "".
std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return parts;
}

std::vector<PgTarget::Host> hosts_of(std::string_view host, std::string_view address, std::string_view port) {
  const std::vector<std::string> names = list_of(host);
  const std::vector<std::string> addresses = list_of(address);
  const std::vector<std::string> ports = list_of(port);
  const std::size_t count = std::max(names.size(), addresses.size());
  if (count < 2) return {{}};
  const auto of = [](const std::vector<std::string>& all, std::size_t i) {
    if (all.size() == 1) return all.front();
    return i < all.size() ? all[i] : std::string();
  };
  std::vector<PgTarget::Host> hosts;
  for (std::size_t i = 0; i < count; ++i)
    hosts.push_back({of(names, i), of(addresses, i), of(ports, i)});
  return hosts;
}

/// Earlier than who asked gives up: the answer must get back.
std::string server_limit(std::chrono::milliseconds within) {
  return std::to_string(within.count() * 9 / 10);
}

}  // namespace

Result<PgTarget> PgTarget::parse(const std::string& url) {
  char* why = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(PQconninfoParse(url.c_str(), &why));
  const std::unique_ptr<char, void (*)(void*)> message(why, PQfreemem);
  if (options == nullptr) {
    // libpq's message may quote the address, and with it the password.
    return fail(ErrorCode::kInvalidArgument,
                "store.url cannot be read; expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE");
  }
  std::string host;
  std::string address;
  std::string port;
  std::string database;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    const std::string_view keyword(option->keyword);
    if (keyword == "host") host = option->val;
    if (keyword == "hostaddr") address = option->val;
    if (keyword == "port") port = option->val;
    if (keyword == "dbname") database = std::string("/") + option->val;
  }
  PgTarget target;
  target.url_ = url;
  target.name_ =
      (host.empty() ? address.empty() ? "local socket" : address : host) + (port.empty() ? "" : ":" + port) + database;
  target.hosts_ = hosts_of(host, address, port);
  return target;
}

Failure pg_error(std::string_view sqlstate, std::string_view message, const std::string& name) {
  const std::string database = "the PostgreSQL database " + name;
  const std::string said(message);
  const std::string_view group = sqlstate.substr(0, 2);
  if (sqlstate == "53100") return fail(ErrorCode::kUnavailable, database + " has a full disk; free some space there");
  if (sqlstate == "25006") {
    return fail(ErrorCode::kUnavailable, database + " is read-only (a standby?); connect to the primary");
  }
  if (sqlstate == "57014") return fail(ErrorCode::kDeadlineExceeded, database + " gave up what took it too long");
  // 08: connection, 40: the transaction lost a race, 53: resources, 55: locked or in use, 57: an operator's doing, 58:
  // system.
  constexpr std::array<std::string_view, 6> kPassing{"08", "40", "53", "55", "57", "58"};
  if (sqlstate.empty() || std::find(kPassing.begin(), kPassing.end(), group) != kPassing.end()) {
    return fail(ErrorCode::kUnavailable, database + " is not available: " + said);
  }
  if (sqlstate == "23505") return fail(ErrorCode::kConflict, "it is in " + database + " already");
  if (group == "28") {
    return fail(ErrorCode::kUnauthorized, database + " refuses this user (" + said + "); check user and password");
  }
  if (sqlstate == "3D000") {
    return fail(ErrorCode::kNotFound, database + " does not exist; create it (createdb), or name another");
  }
  if (sqlstate == "42501") {
    return fail(ErrorCode::kUnauthorized, database + ": this user may not do that; make him the database's owner");
  }
  if (group == "XX") return fail(ErrorCode::kCorrupt, database + " is damaged (" + said + "); restore a backup");
  // 22: data; the message may quote it.
  if (group == "22") return fail(ErrorCode::kInternal, database + " refused a value (" + std::string(sqlstate) + ")");
  return fail(ErrorCode::kInternal, database + ": " + said + " (" + std::string(sqlstate) + ")");
}

std::string PgRows::text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column), static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

long long PgRows::integer(int row, int column) const {
  return std::strtoll(PQgetvalue(result_.get(), row, column), nullptr, 10);
}

long long PgRows::affected() const {
  return std::strtoll(PQcmdTuples(result_.get()), nullptr, 10);
}

Failure PgConnection::lost(std::string_view why) {
  usable_ = false;
  // What the kernel has not sent yet is not to arrive later, after what is written instead.
  const struct linger drop{1, 0};
  if (const int socket = PQsocket(connection_.get()); socket >= 0)
    static_cast<void>(::setsockopt(socket, SOL_SOCKET, SO_LINGER, &drop, sizeof drop));
  return fail(ErrorCode::kUnavailable, "the PostgreSQL database " + name_ + " is not available: " + std::string(why));
}

Result<std::unique_ptr<PgConnection>> PgConnection::open(const PgTarget& target,
                                                         std::span<const PgStatement> statements) {
  std::unique_ptr<PgConnection> connection(new PgConnection(target.name()));
  MORGAN_CHECK_OK(connection->connect(target));
  MORGAN_CHECK_OK(connection->set_up(statements));
  return connection;
}

Result<void> PgConnection::wait(PgDeadline deadline, bool to_write) {
  struct pollfd watched{PQsocket(connection_.get()), static_cast<short>(POLLIN | (to_write ? POLLOUT : 0)), 0};
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - PgDeadline::clock::now());
    if (left.count() <= 0) {
      gave_up_waiting_ = true;
      return lost("it did not answer in time");
    }
    const int ready = ::poll(&watched, 1, static_cast<int>(left.count()));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return lost("its socket cannot be watched");
  }
}

Result<void> PgConnection::connect(const PgTarget& target) {
  // libpq has no time limit for connecting step by step: a host that does not answer would hide those after it.
  const auto each = kConnectWithin / static_cast<int>(target.hosts().size());
  Result<void> connected = fail(ErrorCode::kInternal, "");
  for (const PgTarget::Host& host : target.hosts()) {
    connected = connect_to(target, host, PgDeadline::clock::now() + each);
    if (connected) break;
  }
  return connected;
}

Result<void> PgConnection::connect_to(const PgTarget& target, const PgTarget::Host& host, PgDeadline deadline) {
  usable_ = true;
  gave_up_waiting_ = false;
  // What is before the url it may change, what is after it stands; what is empty is as if it were not there.
  const std::array<const char*, 8> keywords{"tcp_user_timeout",          "dbname",          "host", "hostaddr", "port",
                                            "fallback_application_name", "client_encoding", nullptr};
  const std::string most = std::to_string(kAnswerWithin.count());
  const std::array<const char*, 8> values{
      most.c_str(), target.url().c_str(), host.host.c_str(), host.address.c_str(), host.port.c_str(), "morgan", "UTF8",
      nullptr};
  connection_.reset(PQconnectStartParams(keywords.data(), values.data(), 1));
  if (connection_ == nullptr) return lost("out of memory");
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED || PQstatus(connection_.get()) == CONNECTION_BAD) {
      const std::string why = first_line(PQerrorMessage(connection_.get()));
      usable_ = false;
      // libpq keeps no SQLSTATE of a refused connection; these are the words of the server's messages.
      const auto says = [&](std::string_view words) { return why.find(words) != std::string::npos; };
      const bool full = says("too many connections");
      if (says("authentication failed") || says("no password supplied") || says("no pg_hba.conf entry") ||
          (says("role \"") && !full)) {
        return pg_error("28000", why, name_);
      }
      if (says("database \"") && says("does not exist")) return pg_error("3D000", why, name_);
      return pg_error("", why, name_);
    }
    MORGAN_CHECK_OK(wait(deadline, state == PGRES_POLLING_WRITING));
    state = PQconnectPoll(connection_.get());
  }
  if (PQsetnonblocking(connection_.get(), 1) != 0 || PQenterPipelineMode(connection_.get()) != 1) {
    return lost(first_line(PQerrorMessage(connection_.get())));
  }
  return {};
}

Result<void> PgConnection::set_up(std::span<const PgStatement> statements) {
  // The server gives up, too, and what is acknowledged is on its disk, whatever its default is.
  static const std::string kSettings =
      "SELECT set_config('statement_timeout', '" + server_limit(kAnswerWithin) +
      "', false), set_config('idle_in_transaction_session_timeout', '60000', false), "
      "CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', false) END";
  PGconn* const raw = connection_.get();
  if (PQsendQueryParams(raw, kSettings.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) != 1) {
    return lost(first_line(PQerrorMessage(raw)));
  }
  for (const PgStatement& statement : statements) {
    if (PQsendPrepare(raw, statement.name, statement.sql, 0, nullptr) != 1) {
      return lost(first_line(PQerrorMessage(raw)));
    }
  }
  MORGAN_CHECK_OK(finish_pipeline(statements.size() + 1, kAnswerWithin));
  return {};
}

Result<std::vector<PgRows>> PgConnection::run(std::span<const PgCall> calls, std::chrono::milliseconds within) {
  const bool has_limit = within != kAnswerWithin;
  if (has_limit) {
    // For this transaction.
    const std::string sql = "SELECT set_config('statement_timeout', '" + server_limit(within) + "', true)";
    if (PQsendQueryParams(connection_.get(), sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) != 1) {
      return lost(first_line(PQerrorMessage(connection_.get())));
    }
  }
  for (const PgCall& call : calls) {
    std::vector<const char*> values;
    std::vector<int> lengths;
    for (const std::string& value : call.values) {
      values.push_back(value.c_str());
      lengths.push_back(static_cast<int>(value.size()));
    }
    if (PQsendQueryPrepared(connection_.get(), call.statement->name, static_cast<int>(values.size()), values.data(),
                            lengths.data(), nullptr, 0) != 1) {
      return lost(first_line(PQerrorMessage(connection_.get())));
    }
  }
  if (!has_limit) return finish_pipeline(calls.size(), within);
  MORGAN_TRY(auto answers, finish_pipeline(calls.size() + 1, within));
  answers.erase(answers.begin());
  return answers;
}

Result<PgRows> PgConnection::run(const PgStatement& statement, std::vector<std::string> values) {
  const PgCall call{&statement, std::move(values)};
  MORGAN_TRY(auto answers, run(std::span(&call, 1)));
  return std::move(answers.front());
}

Result<PgRows> PgConnection::run_unprepared(const std::string& sql, const std::vector<std::string>& values,
                                            std::chrono::milliseconds within) {
  std::vector<const char*> pointers;
  for (const std::string& value : values)
    pointers.push_back(value.c_str());
  if (PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(pointers.size()), nullptr, pointers.data(),
                        nullptr, nullptr, 0) != 1) {
    return lost(first_line(PQerrorMessage(connection_.get())));
  }
  MORGAN_TRY(auto answers, finish_pipeline(1, within));
  return std::move(answers.front());
}

Result<PGresult*> PgConnection::next_result(PgDeadline deadline) {
  for (;;) {
    const int unsent = PQflush(connection_.get());
    if (unsent < 0) return lost(first_line(PQerrorMessage(connection_.get())));
    if (PQisBusy(connection_.get()) == 0) return PQgetResult(connection_.get());
    MORGAN_CHECK_OK(wait(deadline, unsent == 1));
    if (PQconsumeInput(connection_.get()) != 1) return lost(first_line(PQerrorMessage(connection_.get())));
  }
}

/// Reads the answers of `calls` statements up to the end of the transaction. The first error is that of the whole.
Result<std::vector<PgRows>> PgConnection::finish_pipeline(std::size_t calls, std::chrono::milliseconds within) {
  if (PQpipelineSync(connection_.get()) != 1) return lost(first_line(PQerrorMessage(connection_.get())));
  const PgDeadline deadline = PgDeadline::clock::now() + within;
  std::vector<PgRows> answers;
  std::optional<Failure> failure;
  for (;;) {
    MORGAN_TRY(PGresult* const raw, next_result(deadline));
    if (raw == nullptr) {
      // Between two statements; and for ever, when the connection is gone.
      if (PQstatus(connection_.get()) == CONNECTION_BAD) return lost("the connection was lost");
      continue;
    }
    PgRows rows(raw);
    const ExecStatusType status = PQresultStatus(raw);
    if (status == PGRES_PIPELINE_SYNC) break;
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
      answers.push_back(std::move(rows));
      continue;
    }
    if (status != PGRES_PIPELINE_ABORTED && !failure) {
      const std::string message = error_field(raw, PG_DIAG_MESSAGE_PRIMARY);
      failure = pg_error(error_field(raw, PG_DIAG_SQLSTATE),
                         message.empty() ? first_line(PQresultErrorMessage(raw)) : message, name_);
    }
    if (PQstatus(connection_.get()) == CONNECTION_BAD) {
      usable_ = false;
      return failure ? std::move(*failure) : lost("the connection was lost");
    }
  }
  if (failure) return std::move(*failure);
  if (answers.size() != calls) return lost("its answers do not fit the statements");
  return answers;
}

}  // namespace morgan::stores
