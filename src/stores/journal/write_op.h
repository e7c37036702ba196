// One write that waits for its database, as a record of the journal. Private to this folder.
#pragma once

#include "stores/conversation_store.h"

#include <string_view>

namespace morgan::stores {

struct WriteOp {
  enum class Kind { kAppend, kAmend, kReset, kSetProfile, kErase };
  Kind kind = Kind::kAppend;
  std::string user_id;
  std::vector<StoredMessage> messages;  ///< kAppend, with ids and times; kAmend: one, its id, content and metadata
  std::string profile = {};             ///< kSetProfile
};

/// JSON.
std::string to_record(const WriteOp& op);
/// @error kCorrupt
Result<WriteOp> from_record(std::string_view record);

/// Does it. Doing it once more right after changes nothing. An amendment whose message has gone (the conversation was
/// reset by somebody else) is appended, so that its words are not lost.
Result<void> apply(const WriteOp& op, ConversationStore& store);

}  // namespace morgan::stores
