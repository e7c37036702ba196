// The end of a user's conversation as it is known without the database: what the cache has, and what waits in the
// journal. Private to this folder.
#pragma once

#include "stores/journal/write_op.h"

#include <optional>

namespace morgan::stores {

struct ConversationView {
  /// Messages that are kept of a conversation.
  static constexpr std::size_t kMost = 100;

  StoredConversation conversation;      ///< its id is empty while it is not known
  std::vector<StoredMessage> messages;  ///< the last ones, oldest first

  /// As the store would do it. What was done already changes nothing.
  void apply(const WriteOp& op, const std::string& now);
};

/// JSON.
std::string to_text(const ConversationView& view);
/// nullopt when it is not one.
std::optional<ConversationView> read_view(std::string_view text);

}  // namespace morgan::stores
