// Conversations that outlive the process: one active conversation per user, its messages in order. One interface, and
// one suite of tests (conversation_store_test.cpp), for SQLite, PostgreSQL and PostgreSQL behind a journal.
#pragma once

#include "base/result.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace morgan::stores {

struct StoredMessage {
  std::string role;  ///< "user", "assistant", "system", "tool"
  std::string content;
  std::string created_at;       ///< ISO 8601, UTC, milliseconds; set by the store when it is empty
  long long sequence = 0;       ///< from 1, without gaps within the conversation; set by the store
  std::string metadata = "{}";  ///< JSON object
  std::string id = {};          ///< unique for ever, "msg_..."; set by the store when it is empty
};

struct StoredConversation {
  std::string conversation_id;
  std::string user_id;
  std::string created_at;
  std::string updated_at;
  long long message_count = 0;
};

struct MessagePage {
  std::vector<StoredMessage> messages;  ///< oldest first
  long long total = 0;
};

/// One append of many.
struct WaitingAppend {
  std::string user_id;
  std::vector<StoredMessage> messages;
};

enum class StoreState {
  kHealthy,
  kDegraded,     ///< conversations go on; what is written is kept elsewhere until the store is back
  kUnavailable,  ///< nothing can be written
};

struct StoreHealth {
  StoreState state = StoreState::kHealthy;
  std::string detail;  ///< why, when it is not healthy
};

/// User ids have 1 to 256 bytes; they, and the texts, are UTF-8. Else kInvalidArgument.
/// @thread any, concurrently
class ConversationStore {
 public:
  virtual ~ConversationStore() = default;

  /// Appends in one transaction; durable (kill -9, power) when it returns. Starts a conversation when
  /// the user has none. Whoever does not know whether it was done (a lost connection) repeats it with the same message
  /// ids: when a message with one of them is there, nothing is written, and the conversation is returned as it is.
  /// @error kUnavailable  disk full, database locked; nothing was written
  virtual Result<StoredConversation> append(const std::string& user_id, const std::vector<StoredMessage>& messages) = 0;

  /// Appends that have waited, in order; in one transaction where that is faster.
  /// @error as append(): some may be written; to be repeated
  virtual Result<void> append_all(const std::vector<WaitingAppend>& appends) {
    for (const WaitingAppend& one : appends)
      MORGAN_CHECK_OK(append(one.user_id, one.messages));
    return {};
  }

  /// Replaces content and metadata of one message of the active conversation; durable when it returns. For a turn
  /// that went on after it seemed to be over.
  /// @error kNotFound  the conversation was reset, or has no such message: nothing was changed
  virtual Result<void> amend(const std::string& user_id, const std::string& message_id, const std::string& content,
                             const std::string& metadata) = 0;

  /// The last `limit` messages of the active conversation, oldest first; empty for an unknown user.
  virtual Result<std::vector<StoredMessage>> recent(const std::string& user_id, int limit) = 0;

  /// A page of the active conversation, from the oldest; total 0 for an unknown user.
  virtual Result<MessagePage> page(const std::string& user_id, long long limit, long long offset) = 0;

  /// Conversations, the last used first. @param user_id  only this user's; "": all
  virtual Result<std::vector<StoredConversation>> list(long long limit, long long offset,
                                                       const std::string& user_id = {}) = 0;

  /// Closes the active conversation, keeping it; the next append starts a new one. False: there was none.
  virtual Result<bool> reset(const std::string& user_id) = 0;

  /// What is known of how a user speaks, a JSON object; "{}" for an unknown user.
  virtual Result<std::string> profile(const std::string& user_id) = 0;
  virtual Result<void> set_profile(const std::string& user_id, const std::string& json) = 0;

  /// Deletes everything of the user, for good, the profile too. @return messages deleted
  virtual Result<long long> erase(const std::string& user_id) = 0;

  /// How long one call may take, where the store has a limit; 0: as usual. For a write that had waited and is slow.
  virtual void set_patience(std::chrono::milliseconds) {}

  /// A cheap round trip. @error kUnavailable, kCorrupt  why it cannot be used
  virtual Result<void> ping() = 0;

  /// For /health, on a thread that must not wait: no network.
  virtual StoreHealth health() {
    const Result<void> answer = ping();
    return answer ? StoreHealth{} : StoreHealth{StoreState::kUnavailable, answer.error().message};
  }
  virtual std::string description() const = 0;
};

}  // namespace morgan::stores
