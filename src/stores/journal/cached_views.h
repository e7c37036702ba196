// What the cache has of users, for when the database is away: the ends of their conversations and their profiles.
// Private to this folder.
#pragma once

#include "stores/cache/cache.h"
#include "stores/journal/conversation_view.h"
#include "stores/journal/pending_writes.h"

#include <mutex>
#include <span>

namespace morgan::stores {

/// @thread any, concurrently
class CachedViews {
 public:
  /// Counts what was forgotten. To be asked before the database is, and given with its answer: an answer from before
  /// something was forgotten is not remembered, or what was erased would be back.
  using Moment = std::uint64_t;

  /// The cache outlives it.
  explicit CachedViews(Cache& cache) : cache_(cache) {}

  Moment moment() const;
  std::optional<ConversationView> view(const std::string& user_id) const;
  std::optional<std::string> profile(const std::string& user_id) const;

  void remember_append(const WriteOp& op, const StoredConversation& stored, Moment asked);
  /// @param messages  the last of the conversation, as the database has them
  void remember_recent(const std::string& user_id, const std::vector<StoredMessage>& messages, Moment asked);
  void remember_profile(const std::string& user_id, const std::string& json, Moment asked);
  /// An amendment of a message that may be known.
  void amend(const WriteOp& op, Moment asked);
  /// What waited, and is in the database now.
  void replayed(std::span<const PendingWrites::Op> ops);

  void forget_conversation(const std::string& user_id);
  void forget_user(const std::string& user_id);

 private:
  void keep(const std::string& user_id, const ConversationView& view);
  void apply(const WriteOp& op, ConversationView& view, const std::string& now);

  Cache& cache_;
  mutable std::mutex mutex_;  // guards the counter, and each reading of a view that is written back changed
  Moment forgotten_ = 0;
};

}  // namespace morgan::stores
