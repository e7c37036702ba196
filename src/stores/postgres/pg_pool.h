// A few connections to one PostgreSQL database, opened as they are needed. Private to this folder.
#pragma once

#include "stores/postgres/pg_connection.h"

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace morgan::stores {

/// @thread any
class PgPool {
 public:
  PgPool(PgTarget target, std::span<const PgStatement> statements, std::size_t most);

  /// Runs the calls in one transaction on any connection. A connection that was closed while it lay idle (the server
  /// was started again) is replaced, and the calls are repeated once: they must not mind that.
  /// @error kOverloaded  all connections stayed in use   @error kUnavailable  also when the server refuses a new
  ///        connection, whatever its reason   @error else as PgConnection::run
  Result<std::vector<PgRows>> run(std::span<const PgCall> calls);
  Result<PgRows> run(const PgStatement& statement, std::vector<std::string> values);

  /// How long one run may take; 0: as usual.
  void set_patience(std::chrono::milliseconds patience) {
    patience_ = patience.count() > 0 ? patience : PgConnection::kAnswerWithin;
  }

  /// Puts an opened connection into the pool.
  void add(std::unique_ptr<PgConnection> connection);

 private:
  struct Taken {
    std::unique_ptr<PgConnection> connection;
    bool fresh = false;
  };
  Result<Taken> take();
  void give_back(std::unique_ptr<PgConnection> connection);

  const PgTarget target_;
  const std::span<const PgStatement> statements_;
  const std::size_t most_;
  std::atomic<std::chrono::milliseconds> patience_{PgConnection::kAnswerWithin};
  std::mutex mutex_;  // guards what follows
  std::condition_variable returned_;
  std::vector<std::unique_ptr<PgConnection>> idle_;
  std::size_t open_ = 0;
};

}  // namespace morgan::stores
