#include "stores/postgres/pg_pool.h"

#include <utility>

namespace morgan::stores {

PgPool::PgPool(PgTarget target, std::span<const PgStatement> statements, std::size_t most)
    : target_(std::move(target)), statements_(statements), most_(std::max<std::size_t>(1, most)) {}

Result<PgPool::Taken> PgPool::take() {
  std::unique_lock lock(mutex_);
  const bool free =
      returned_.wait_for(lock, PgConnection::kAnswerWithin, [this] { return !idle_.empty() || open_ < most_; });
  if (!free) {
    return fail(ErrorCode::kOverloaded, "all connections to the PostgreSQL database " + target_.name() +
                                            " are in use; try again, or raise store.connections");
  }
  if (!idle_.empty()) {
    Taken taken{std::move(idle_.back()), false};
    idle_.pop_back();
    return taken;
  }
  ++open_;
  lock.unlock();
  auto opened = PgConnection::open(target_, statements_);
  if (opened) return Taken{std::move(opened).value(), true};
  give_back(nullptr);
  // Whatever it is (a password that was changed, a failover to a server that does not know this user), it was well at
  // the start and may be mended while Morgan runs.
  return fail(ErrorCode::kUnavailable, opened.error().message);
}

void PgPool::give_back(std::unique_ptr<PgConnection> connection) {
  const std::lock_guard lock(mutex_);
  if (connection != nullptr && connection->usable()) {
    idle_.push_back(std::move(connection));
  } else {
    --open_;
    // When one was lost, the server was probably started again, and the idle ones are lost, too.
    open_ -= idle_.size();
    idle_.clear();
  }
  returned_.notify_one();
}

void PgPool::add(std::unique_ptr<PgConnection> connection) {
  const std::lock_guard lock(mutex_);
  ++open_;
  idle_.push_back(std::move(connection));
}

Result<std::vector<PgRows>> PgPool::run(std::span<const PgCall> calls) {
  MORGAN_TRY(Taken taken, take());
  auto answers = taken.connection->run(calls, patience_);
  const bool closed = !taken.connection->usable() && !taken.connection->gave_up_waiting();
  const bool again = !answers && closed && !taken.fresh;
  give_back(std::move(taken.connection));
  if (!again) return answers;
  MORGAN_TRY(Taken second, take());
  answers = second.connection->run(calls, patience_);
  give_back(std::move(second.connection));
  return answers;
}

Result<PgRows> PgPool::run(const PgStatement& statement, std::vector<std::string> values) {
  const PgCall call{&statement, std::move(values)};
  MORGAN_TRY(auto answers, run(std::span(&call, 1)));
  return std::move(answers.front());
}

}  // namespace morgan::stores
