#include "stores/sqlite/sqlite_memory_store.h"

#include "base/ids.h"
#include "base/time_text.h"
#include "stores/index_cache.h"
#include "stores/sqlite/migrations.h"
#include "stores/sqlite/sqlite_connection.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

namespace morgan::stores {

namespace {

std::string_view bytes_of(const std::vector<float>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)};
}

std::vector<float> floats_of(std::string_view bytes) {
  std::vector<float> numbers(bytes.size() / sizeof(float));
  std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(float));
  return numbers;
}

/// Of a row (memory_id, user_id, content, category, importance, source, created_at, updated_at).
StoredMemory read_memory(const Statement& row) {
  StoredMemory memory;
  memory.memory_id = row.text(0);
  memory.user_id = row.text(1);
  memory.content = row.text(2);
  memory.category = row.text(3);
  memory.importance = static_cast<int>(row.integer(4));
  memory.source = row.text(5);
  memory.created_at = row.text(6);
  memory.updated_at = row.text(7);
  return memory;
}

Failure not_found() {
  return fail(ErrorCode::kNotFound, "this user has no such memory");
}

class SqliteMemoryStore final : public MemoryStore {
 public:
  SqliteMemoryStore(std::unique_ptr<Connection> writer, std::unique_ptr<Connection> reader)
      : writer_(std::move(writer)), reader_(std::move(reader)) {}

  Result<StoredMemory> add(StoredMemory memory, const std::optional<MemoryVector>& vector) override {
    memory.memory_id = random_id("mem_");
    memory.created_at = memory.updated_at = now_iso8601();
    const std::scoped_lock lock(writer_mutex_);
    MORGAN_TRY(Transaction transaction, Transaction::begin(*writer_, "BEGIN IMMEDIATE"));
    MORGAN_TRY(const long long before, count(*writer_, memory.user_id));
    if (before >= kMostOfAUser) {
      return fail(ErrorCode::kTooLarge, "100000 things are remembered of this user, no more are taken; forget some");
    }
    long long key = 0;
    {
      MORGAN_TRY(Statement insert,
                 writer_->prepare("INSERT INTO memories (memory_id, user_id, content, category, importance, source, "
                                  "created_at, updated_at, vector_model, vector) "
                                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9) RETURNING id"));
      insert.bind(1, memory.memory_id).bind(2, memory.user_id).bind(3, memory.content).bind(4, memory.category);
      insert.bind(5, static_cast<long long>(memory.importance)).bind(6, memory.source).bind(7, memory.created_at);
      bind_vector(insert, 8, vector);
      MORGAN_CHECK_OK(insert.step());
      key = insert.integer(0);
    }
    MORGAN_CHECK_OK(transaction.commit());
    const std::scoped_lock index_lock(index_mutex_);
    indexes_.set(memory.user_id, key, vector);
    return memory;
  }

  Result<StoredMemory> change(const StoredMemory& memory, const std::optional<MemoryVector>& vector) override {
    const std::string now = now_iso8601();
    const std::scoped_lock lock(writer_mutex_);
    long long key = 0;
    StoredMemory changed;
    {
      MORGAN_TRY(Statement update,
                 writer_->prepare("UPDATE memories SET content = ?3, category = ?4, importance = ?5, updated_at = ?6, "
                                  "vector_model = ?7, vector = ?8 WHERE user_id = ?1 AND memory_id = ?2 "
                                  "RETURNING memory_id, user_id, content, category, importance, source, created_at, "
                                  "updated_at, id"));
      update.bind(1, memory.user_id).bind(2, memory.memory_id).bind(3, memory.content).bind(4, memory.category);
      update.bind(5, static_cast<long long>(memory.importance)).bind(6, now);
      bind_vector(update, 7, vector);
      MORGAN_TRY(const bool found, update.step());
      if (!found) return not_found();
      changed = read_memory(update);
      key = update.integer(8);
      // To its end, or nothing is written.
      MORGAN_CHECK_OK(update.step());
    }
    const std::scoped_lock index_lock(index_mutex_);
    indexes_.set(memory.user_id, key, vector);
    return changed;
  }

  Result<StoredMemory> get(const std::string& user_id, const std::string& memory_id) override {
    const std::scoped_lock lock(reader_mutex_);
    MORGAN_TRY(Statement select,
               reader_->prepare("SELECT memory_id, user_id, content, category, importance, source, created_at, "
                                "updated_at FROM memories WHERE user_id = ?1 AND memory_id = ?2"));
    MORGAN_TRY(const bool found, select.bind(1, user_id).bind(2, memory_id).step());
    if (!found) return not_found();
    return read_memory(select);
  }

  Result<bool> remove(const std::string& user_id, const std::string& memory_id) override {
    const std::scoped_lock lock(writer_mutex_);
    long long key = 0;
    {
      MORGAN_TRY(Statement remove,
                 writer_->prepare("DELETE FROM memories WHERE user_id = ?1 AND memory_id = ?2 RETURNING id"));
      MORGAN_TRY(const bool found, remove.bind(1, user_id).bind(2, memory_id).step());
      if (!found) return false;
      key = remove.integer(0);
      MORGAN_CHECK_OK(remove.step());
    }
    writer_->checkpoint();
    const std::scoped_lock index_lock(index_mutex_);
    indexes_.set(user_id, key, std::nullopt);
    return true;
  }

  Result<long long> erase(const std::string& user_id) override {
    const std::scoped_lock lock(writer_mutex_);
    MORGAN_TRY(Statement remove, writer_->prepare("DELETE FROM memories WHERE user_id = ?1"));
    MORGAN_CHECK_OK(remove.bind(1, user_id).run());
    const long long removed = writer_->changes();
    // The text is still in the write-ahead log until that is written over.
    if (removed > 0) writer_->checkpoint();
    const std::scoped_lock index_lock(index_mutex_);
    indexes_.forget(user_id);
    return removed;
  }

  Result<MemoryPage> page(const std::string& user_id, long long limit, long long offset) override {
    const std::scoped_lock lock(reader_mutex_);
    MORGAN_TRY(Transaction transaction, Transaction::begin(*reader_, "BEGIN"));
    MemoryPage page;
    MORGAN_TRY(page.total, count(*reader_, user_id));
    {
      MORGAN_TRY(Statement select,
                 reader_->prepare("SELECT memory_id, user_id, content, category, importance, source, created_at, "
                                  "updated_at FROM memories WHERE user_id = ?1 ORDER BY id DESC LIMIT ?2 OFFSET ?3"));
      select.bind(1, user_id).bind(2, std::max(0LL, limit)).bind(3, std::max(0LL, offset));
      for (;;) {
        MORGAN_TRY(const bool row, select.step());
        if (!row) break;
        page.memories.push_back(read_memory(select));
      }
    }
    MORGAN_CHECK_OK(transaction.commit());
    return page;
  }

  Result<std::vector<FoundMemory>> nearest(const std::string& user_id, const MemoryVector& query,
                                           std::size_t limit) override {
    MORGAN_TRY(const std::vector<ScoredKey> best, search(user_id, query, limit));
    const std::scoped_lock lock(reader_mutex_);
    std::vector<FoundMemory> found;
    for (const ScoredKey& each : best) {
      MORGAN_TRY(Statement select,
                 reader_->prepare("SELECT memory_id, user_id, content, category, importance, source, created_at, "
                                  "updated_at FROM memories WHERE id = ?1 AND user_id = ?2"));
      // The number of one that was removed meanwhile may be another user's now.
      MORGAN_TRY(const bool still_there, select.bind(1, each.key).bind(2, user_id).step());
      if (still_there) found.push_back({read_memory(select), each.score});
    }
    return found;
  }

 private:
  static void bind_vector(Statement& statement, int parameter, const std::optional<MemoryVector>& vector) {
    if (!vector) return;  // they stay NULL
    statement.bind(parameter, vector->model).bind_blob(parameter + 1, bytes_of(vector->numbers));
  }

  static Result<long long> count(Connection& connection, const std::string& user_id) {
    MORGAN_TRY(Statement select, connection.prepare("SELECT count(*) FROM memories WHERE user_id = ?1"));
    MORGAN_CHECK_OK(select.bind(1, user_id).step());
    return select.integer(0);
  }

  Result<std::vector<ScoredKey>> search(const std::string& user_id, const MemoryVector& query, std::size_t limit) {
    {
      const std::scoped_lock lock(index_mutex_);
      if (const IndexCache::Entry* entry = indexes_.find(user_id, query.model))
        return entry->index.nearest(query.numbers, limit);
    }
    // No write comes between reading them and keeping them.
    const std::scoped_lock lock(writer_mutex_);
    MORGAN_TRY(VectorIndex read, read_vectors(user_id, query));
    const std::scoped_lock index_lock(index_mutex_);
    return indexes_.add({user_id, query.model, 0, std::move(read)}).index.nearest(query.numbers, limit);
  }

  Result<VectorIndex> read_vectors(const std::string& user_id, const MemoryVector& query) {
    VectorIndex index(query.numbers.size());
    MORGAN_TRY(Statement select,
               writer_->prepare("SELECT id, vector FROM memories WHERE user_id = ?1 AND vector_model = ?2"));
    select.bind(1, user_id).bind(2, query.model);
    for (;;) {
      MORGAN_TRY(const bool row, select.step());
      if (!row) return index;
      const std::vector<float> numbers = floats_of(select.blob(1));
      if (numbers.size() == index.dimension()) index.set(select.integer(0), numbers);
    }
  }

  // Taken in this order: writer, then index; the reader alone.
  std::mutex writer_mutex_;  // guards writer_
  std::unique_ptr<Connection> writer_;
  std::mutex reader_mutex_;  // guards reader_
  std::unique_ptr<Connection> reader_;
  std::mutex index_mutex_;  // guards indexes_
  IndexCache indexes_;
};

}  // namespace

Result<std::unique_ptr<MemoryStore>> open_sqlite_memory_store(const std::filesystem::path& file) {
  std::error_code ignored;  // open() says what is wrong
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), ignored);
  MORGAN_TRY(auto writer, Connection::open(file, Access::kWrite));
  MORGAN_CHECK_OK(migrate(*writer, file));
  MORGAN_TRY(auto reader, Connection::open(file, Access::kRead));
  std::unique_ptr<MemoryStore> store = std::make_unique<SqliteMemoryStore>(std::move(writer), std::move(reader));
  return store;
}

}  // namespace morgan::stores
