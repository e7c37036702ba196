#include "stores/sqlite/sqlite_item_store.h"

#include "base/time_text.h"
#include "stores/sqlite/migrations.h"
#include "stores/sqlite/sqlite_connection.h"

#include <mutex>
#include <utility>

namespace morgan::stores {

namespace {

class SqliteItemStore final : public ItemStore {
 public:
  explicit SqliteItemStore(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}

  Result<void> put(const std::vector<StoredItem>& items) override {
    const std::lock_guard lock(mutex_);
    const std::string now = now_iso8601();
    MORGAN_TRY(Transaction transaction, Transaction::begin(*connection_, "BEGIN IMMEDIATE"));
    for (const StoredItem& item : items) {
      MORGAN_TRY(Statement insert,
                 connection_->prepare("INSERT INTO user_items (kind, id, user_id, body, created_at) "
                                      "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (kind, id) DO UPDATE SET body = ?4"));
      insert.bind(1, item.kind).bind(2, item.id).bind(3, item.user_id).bind(4, item.body).bind(5, now);
      MORGAN_CHECK_OK(insert.run());
      MORGAN_TRY(Statement count,
                 connection_->prepare("SELECT count(*) FROM user_items WHERE kind = ?1 AND user_id = ?2"));
      MORGAN_CHECK_OK(count.bind(1, item.kind).bind(2, item.user_id).step());
      if (count.integer(0) > kMostItems) {
        return fail(ErrorCode::kOverloaded, "there are " + std::to_string(kMostItems) + " entries of the kind '" +
                                                item.kind + "' already; delete some first");
      }
    }
    return transaction.commit();
  }

  Result<long long> remove(const std::string& kind, const std::vector<std::string>& ids) override {
    const std::lock_guard lock(mutex_);
    MORGAN_TRY(Transaction transaction, Transaction::begin(*connection_, "BEGIN IMMEDIATE"));
    long long removed = 0;
    for (const std::string& id : ids) {
      MORGAN_TRY(Statement erase, connection_->prepare("DELETE FROM user_items WHERE kind = ?1 AND id = ?2"));
      MORGAN_CHECK_OK(erase.bind(1, kind).bind(2, id).run());
      removed += connection_->changes();
    }
    MORGAN_CHECK_OK(transaction.commit());
    return removed;
  }

  Result<std::vector<StoredItem>> list(const std::string& kind, const std::string& user_id) override {
    const std::lock_guard lock(mutex_);
    MORGAN_TRY(Statement select,
               connection_->prepare("SELECT id, user_id, body, created_at FROM user_items WHERE kind = ?1 AND "
                                    "(user_id = ?2 OR ?2 = '') ORDER BY number"));
    select.bind(1, kind).bind(2, user_id);
    std::vector<StoredItem> items;
    for (;;) {
      MORGAN_TRY(const bool row, select.step());
      if (!row) return items;
      items.push_back({kind, select.text(0), select.text(1), select.text(2), select.text(3)});
    }
  }

  Result<long long> erase(const std::string& user_id) override {
    const std::lock_guard lock(mutex_);
    {
      MORGAN_TRY(Statement erase, connection_->prepare("DELETE FROM user_items WHERE user_id = ?1"));
      MORGAN_CHECK_OK(erase.bind(1, user_id).run());
    }
    const long long erased = connection_->changes();
    // The text is still in the write-ahead log until that is written over.
    if (erased > 0) connection_->checkpoint();
    return erased;
  }

 private:
  std::mutex mutex_;  // guards connection_
  std::unique_ptr<Connection> connection_;
};

}  // namespace

Result<std::unique_ptr<ItemStore>> open_sqlite_items(const std::filesystem::path& file) {
  MORGAN_TRY(auto connection, Connection::open(file, Access::kWrite));
  MORGAN_CHECK_OK(migrate(*connection, file));
  return std::unique_ptr<ItemStore>(std::make_unique<SqliteItemStore>(std::move(connection)));
}

}  // namespace morgan::stores
