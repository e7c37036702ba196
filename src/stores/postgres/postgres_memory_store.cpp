#include "stores/postgres/postgres_memory_store.h"

#include "base/ids.h"
#include "base/strings.h"
#include "base/time_text.h"
#include "stores/circuit_breaker.h"
#include "stores/index_cache.h"
#include "stores/postgres/pg_pool.h"
#include "stores/postgres/pg_time.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <utility>

namespace morgan::stores {

namespace {

#define MORGAN_PG_MEMORY                                                                    \
  "m.memory_id, m.user_id, m.content, m.category, m.importance, m.source, " MORGAN_PG_TIME( \
      "m.created_at") ", " MORGAN_PG_TIME("m.updated_at")
constexpr int kKeyColumn = 8;
constexpr int kRevisionColumn = 9;

// A user's row in memory_users orders those who write at once. Its first revision is a time, so that one that is erased
// and begun anew never comes to a revision that it has had.
#define MORGAN_PG_FIRST_REVISION "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

constexpr PgStatement kAdd{
    "add_memory",
    "WITH owner AS ("
    "  INSERT INTO memory_users AS u (user_id, revision, total) VALUES ($2, " MORGAN_PG_FIRST_REVISION
    ", 1) "
    "  ON CONFLICT (user_id) DO UPDATE SET revision = u.revision + 1, total = u.total + 1 WHERE u.total < $10::bigint "
    "  RETURNING revision) "
    "INSERT INTO memories AS m (memory_id, user_id, content, category, importance, source, created_at, updated_at, "
    "                           vector_model, vector) "
    "SELECT $1, $2, $3, $4, $5::integer, $6, $7::timestamptz, $7::timestamptz, $8, decode($9, 'hex') FROM owner "
    "RETURNING " MORGAN_PG_MEMORY ", m.id, (SELECT revision FROM owner)"};
constexpr PgStatement kChange{
    "change_memory",
    "WITH owner AS (UPDATE memory_users SET revision = revision + 1 WHERE user_id = $2 RETURNING revision) "
    "UPDATE memories AS m SET content = $3, category = $4, importance = $5::integer, updated_at = $6::timestamptz, "
    "vector_model = $7, vector = decode($8, 'hex') WHERE m.user_id = $2 AND m.memory_id = $1 "
    "RETURNING " MORGAN_PG_MEMORY ", m.id, (SELECT revision FROM owner)"};
constexpr PgStatement kRemove{
    "remove_memory",
    "WITH gone AS (DELETE FROM memories m WHERE m.user_id = $2 AND m.memory_id = $1 RETURNING m.id), "
    "owner AS (UPDATE memory_users SET revision = revision + 1, total = total - (SELECT count(*) FROM gone) "
    "          WHERE user_id = $2 RETURNING revision) "
    "SELECT gone.id, owner.revision FROM gone, owner"};
constexpr PgStatement kGet{"get_memory",
                           "SELECT " MORGAN_PG_MEMORY " FROM memories m WHERE m.user_id = $1 AND m.memory_id = $2"};
constexpr PgStatement kGetSome{"get_memories",
                               "SELECT " MORGAN_PG_MEMORY
                               ", m.id FROM memories m WHERE m.user_id = $1 AND m.id = ANY ($2::bigint[])"};
constexpr PgStatement kMemoryPage{"page_memories", "SELECT " MORGAN_PG_MEMORY
                                                   " FROM memories m WHERE m.user_id = $1 ORDER BY m.id DESC "
                                                   "LIMIT $2::bigint OFFSET $3::bigint"};
constexpr PgStatement kOwner{"memory_user", "SELECT revision, total FROM memory_users WHERE user_id = $1"};
constexpr PgStatement kVectors{
    "memory_vectors", "SELECT id, encode(vector, 'hex') FROM memories WHERE user_id = $1 AND vector_model = $2"};
constexpr PgStatement kErase{"erase_memories", "DELETE FROM memory_users WHERE user_id = $1 RETURNING total"};

constexpr std::array kMemoryStatements{kAdd, kChange, kRemove, kGet, kGetSome, kMemoryPage, kOwner, kVectors, kErase};

#undef MORGAN_PG_FIRST_REVISION
#undef MORGAN_PG_MEMORY

StoredMemory read_memory(const PgRows& rows, int row) {
  StoredMemory memory;
  memory.memory_id = from_pg_text(rows.text(row, 0));
  memory.user_id = from_pg_text(rows.text(row, 1));
  memory.content = from_pg_text(rows.text(row, 2));
  memory.category = from_pg_text(rows.text(row, 3));
  memory.importance = static_cast<int>(rows.integer(row, 4));
  memory.source = from_pg_text(rows.text(row, 5));
  memory.created_at = rows.text(row, 6);
  memory.updated_at = rows.text(row, 7);
  return memory;
}

Failure not_found() {
  return fail(ErrorCode::kNotFound, "this user has no such memory");
}

/// Somebody waits for an answer.
constexpr std::chrono::milliseconds kPatience{2'000};

/// One byte a number, as the index keeps them, in hexadecimal: the length does not matter to a cosine.
std::string packed(const std::optional<MemoryVector>& vector) {
  if (!vector) return {};
  float largest = 0;
  for (const float number : vector->numbers)
    largest = std::max(largest, std::abs(number));
  std::vector<unsigned char> bytes;
  bytes.reserve(vector->numbers.size());
  for (const float number : vector->numbers) {
    const float scaled = largest > 0 ? std::round(number / largest * 127) : 0;
    bytes.push_back(static_cast<unsigned char>(static_cast<std::int8_t>(scaled)));
  }
  return to_hex(bytes);
}

int digit_of(char c) {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

std::vector<float> unpacked(const std::string& hex) {
  std::vector<float> numbers(hex.size() / 2);
  for (std::size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = static_cast<float>(static_cast<std::int8_t>(digit_of(hex[2 * i]) * 16 + digit_of(hex[2 * i + 1])));
  return numbers;
}

class PostgresMemoryStore final : public MemoryStore {
 public:
  PostgresMemoryStore(const PgTarget& target, std::size_t connections) : pool_(target, kMemoryStatements, connections) {
    pool_.set_patience(kPatience);
  }

  Result<StoredMemory> add(StoredMemory memory, const std::optional<MemoryVector>& vector) override {
    memory.memory_id = random_id("mem_");
    memory.created_at = memory.updated_at = now_iso8601();
    const auto rows =
        ask(kAdd, {memory.memory_id, to_pg_text(memory.user_id), to_pg_text(memory.content),
                   to_pg_text(memory.category), std::to_string(memory.importance), to_pg_text(memory.source),
                   memory.created_at, model_of(vector), packed(vector), std::to_string(kMostOfAUser)});
    // It was repeated over a new connection, and the first time had been written: its id is there already.
    if (!rows && rows.error().code == ErrorCode::kConflict) {
      forget_index(memory.user_id);
      return memory;
    }
    if (!rows) return fail(rows.error());
    if (rows->count() == 0) {
      return fail(ErrorCode::kTooLarge, "100000 things are remembered of this user, no more are taken; forget some");
    }
    keep(memory.user_id, *rows, vector);
    return memory;
  }

  Result<StoredMemory> change(const StoredMemory& memory, const std::optional<MemoryVector>& vector) override {
    MORGAN_TRY(const PgRows rows,
               ask(kChange, {to_pg_text(memory.memory_id), to_pg_text(memory.user_id), to_pg_text(memory.content),
                             to_pg_text(memory.category), std::to_string(memory.importance), now_iso8601(),
                             model_of(vector), packed(vector)}));
    if (rows.count() == 0) return not_found();
    keep(memory.user_id, rows, vector);
    return read_memory(rows, 0);
  }

  Result<StoredMemory> get(const std::string& user_id, const std::string& memory_id) override {
    MORGAN_TRY(const PgRows rows, ask(kGet, {to_pg_text(user_id), to_pg_text(memory_id)}));
    if (rows.count() == 0) return not_found();
    return read_memory(rows, 0);
  }

  Result<bool> remove(const std::string& user_id, const std::string& memory_id) override {
    MORGAN_TRY(const PgRows rows, ask(kRemove, {to_pg_text(memory_id), to_pg_text(user_id)}));
    if (rows.count() == 0) return false;
    const std::scoped_lock lock(index_mutex_);
    indexes_.set(user_id, rows.integer(0, 0), std::nullopt, rows.integer(0, 1));
    return true;
  }

  Result<long long> erase(const std::string& user_id) override {
    MORGAN_TRY(const PgRows rows, ask(kErase, {to_pg_text(user_id)}));
    forget_index(user_id);
    return rows.count() > 0 ? rows.integer(0, 0) : 0;
  }

  Result<MemoryPage> page(const std::string& user_id, long long limit, long long offset) override {
    const std::string user = to_pg_text(user_id);
    const std::array calls{
        PgCall{&kOwner, {user}},
        PgCall{&kMemoryPage, {user, std::to_string(std::max(0LL, limit)), std::to_string(std::max(0LL, offset))}}};
    MORGAN_TRY(const auto answers, ask(calls));
    MemoryPage page;
    if (answers[0].count() > 0) page.total = answers[0].integer(0, 1);
    for (int row = 0; row < answers[1].count(); ++row)
      page.memories.push_back(read_memory(answers[1], row));
    return page;
  }

  Result<std::vector<FoundMemory>> nearest(const std::string& user_id, const MemoryVector& query,
                                           std::size_t limit) override {
    MORGAN_TRY(const std::vector<ScoredKey> best, search(user_id, query, limit));
    std::vector<FoundMemory> found;
    if (best.empty()) return found;
    std::vector<std::string> keys;
    for (const ScoredKey& each : best)
      keys.push_back(std::to_string(each.key));
    MORGAN_TRY(const PgRows rows, ask(kGetSome, {to_pg_text(user_id), pg_array(keys)}));
    for (const ScoredKey& each : best) {
      for (int row = 0; row < rows.count(); ++row) {
        if (rows.integer(row, kKeyColumn) == each.key) found.push_back({read_memory(rows, row), each.score});
      }
    }
    return found;
  }

 private:
  /// A turn waits for its memories: a server that is away, or hangs, costs one turn that time, and the next ones
  /// nothing.
  Result<std::vector<PgRows>> ask(std::span<const PgCall> calls) {
    const auto now = [] { return CircuitBreaker::TimePoint::clock::now(); };
    {
      const std::scoped_lock lock(breaker_mutex_);
      if (!breaker_.allows(now()))
        return fail(ErrorCode::kUnavailable, "memories are not at hand: the database is away");
    }
    auto answers = pool_.run(calls);
    const bool away = !answers && (answers.error().code == ErrorCode::kUnavailable ||
                                   answers.error().code == ErrorCode::kDeadlineExceeded);
    const std::scoped_lock lock(breaker_mutex_);
    away ? breaker_.failed(now()) : breaker_.succeeded();
    return answers;
  }
  Result<PgRows> ask(const PgStatement& statement, std::vector<std::string> values) {
    const PgCall call{&statement, std::move(values)};
    MORGAN_TRY(auto answers, ask(std::span(&call, 1)));
    return std::move(answers.front());
  }

  static std::string model_of(const std::optional<MemoryVector>& vector) {
    return vector ? to_pg_text(vector->model) : std::string();
  }

  void keep(const std::string& user_id, const PgRows& written, const std::optional<MemoryVector>& vector) {
    const std::scoped_lock lock(index_mutex_);
    indexes_.set(user_id, written.integer(0, kKeyColumn), vector, written.integer(0, kRevisionColumn));
  }

  void forget_index(const std::string& user_id) {
    const std::scoped_lock lock(index_mutex_);
    indexes_.forget(user_id);
  }

  Result<std::vector<ScoredKey>> search(const std::string& user_id, const MemoryVector& query, std::size_t limit) {
    const std::string user = to_pg_text(user_id);
    MORGAN_TRY(const PgRows owner, ask(kOwner, {user}));
    if (owner.count() == 0) return std::vector<ScoredKey>();
    {
      const std::scoped_lock lock(index_mutex_);
      const IndexCache::Entry* entry = indexes_.find(user_id, query.model);
      if (entry != nullptr && entry->revision == owner.integer(0, 0)) return entry->index.nearest(query.numbers, limit);
    }
    // The revision is read before the vectors: what is written between is read once more, never missed.
    const std::array calls{PgCall{&kOwner, {user}}, PgCall{&kVectors, {user, to_pg_text(query.model)}}};
    MORGAN_TRY(const auto answers, ask(calls));
    if (answers[0].count() == 0) return std::vector<ScoredKey>();
    IndexCache::Entry entry{user_id, query.model, answers[0].integer(0, 0), VectorIndex(query.numbers.size())};
    for (int row = 0; row < answers[1].count(); ++row) {
      const std::vector<float> numbers = unpacked(answers[1].text(row, 1));
      if (numbers.size() == entry.index.dimension()) entry.index.set(answers[1].integer(row, 0), numbers);
    }
    const std::scoped_lock lock(index_mutex_);
    return indexes_.add(std::move(entry)).index.nearest(query.numbers, limit);
  }

  PgPool pool_;
  std::mutex breaker_mutex_;  // guards breaker_
  CircuitBreaker breaker_;
  std::mutex index_mutex_;  // guards indexes_; never held while the server is waited for
  IndexCache indexes_;
};

}  // namespace

Result<std::unique_ptr<MemoryStore>> open_postgres_memory_store(const PostgresOptions& options) {
  MORGAN_TRY(const PgTarget target, PgTarget::parse(options.url));
  std::unique_ptr<MemoryStore> store = std::make_unique<PostgresMemoryStore>(target, options.connections);
  return store;
}

}  // namespace morgan::stores
