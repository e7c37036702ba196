#include "stores/journal/write_op.h"

#include "base/json_util.h"

#include <array>

namespace morgan::stores {

namespace {

constexpr std::array<std::string_view, 5> kKinds{"append", "amend", "reset", "set_profile", "erase"};

Failure corrupt() {
  return fail(ErrorCode::kCorrupt, "a record of the journal cannot be read");
}

Json message_json(const StoredMessage& message) {
  return {{"id", message.id},
          {"role", message.role},
          {"content", message.content},
          {"at", message.created_at},
          {"metadata", message.metadata}};
}

Result<std::string> field(const Json& object, std::string_view name) {
  MORGAN_TRY(auto text, json_string(object, name));
  if (!text) return corrupt();
  return std::move(*text);
}

Result<StoredMessage> read_message(const Json& object) {
  StoredMessage message;
  MORGAN_TRY(message.id, field(object, "id"));
  MORGAN_TRY(message.role, field(object, "role"));
  MORGAN_TRY(message.content, field(object, "content"));
  MORGAN_TRY(message.created_at, field(object, "at"));
  MORGAN_TRY(message.metadata, field(object, "metadata"));
  return message;
}

Result<void> amend_or_append(const WriteOp& op, ConversationStore& store) {
  const StoredMessage& message = op.messages.front();
  const auto amended = store.amend(op.user_id, message.id, message.content, message.metadata);
  if (amended || amended.error().code != ErrorCode::kNotFound) return amended;
  // Under one other name, so that a second amendment finds the first.
  StoredMessage again = message;
  again.id += "_again";
  const auto found = store.amend(op.user_id, again.id, again.content, again.metadata);
  if (found || found.error().code != ErrorCode::kNotFound) return found;
  MORGAN_CHECK_OK(store.append(op.user_id, {again}));
  return {};
}

}  // namespace

std::string to_record(const WriteOp& op) {
  Json record{{"op", kKinds[static_cast<std::size_t>(op.kind)]}, {"user", op.user_id}};
  for (const StoredMessage& message : op.messages)
    record["messages"].push_back(message_json(message));
  if (op.kind == WriteOp::Kind::kSetProfile) record["profile"] = op.profile;
  return dump_json(record);
}

Result<WriteOp> from_record(std::string_view text) {
  const auto record = parse_json_object(text);
  if (!record) return corrupt();
  WriteOp op;
  MORGAN_TRY(const std::string kind, field(*record, "op"));
  const auto known = std::find(kKinds.begin(), kKinds.end(), kind);
  if (known == kKinds.end()) return corrupt();
  op.kind = static_cast<WriteOp::Kind>(known - kKinds.begin());
  MORGAN_TRY(op.user_id, field(*record, "user"));
  if (op.kind == WriteOp::Kind::kSetProfile) {
    MORGAN_TRY(op.profile, field(*record, "profile"));
  }
  if (const auto messages = record->find("messages"); messages != record->end() && messages->is_array()) {
    for (const Json& object : *messages) {
      MORGAN_TRY(StoredMessage message, read_message(object));
      op.messages.push_back(std::move(message));
    }
  }
  const bool has_messages = op.kind == WriteOp::Kind::kAppend || op.kind == WriteOp::Kind::kAmend;
  if (has_messages && op.messages.empty()) return corrupt();
  return op;
}

Result<void> apply(const WriteOp& op, ConversationStore& store) {
  switch (op.kind) {
    case WriteOp::Kind::kAppend:
      MORGAN_CHECK_OK(store.append(op.user_id, op.messages));
      return {};
    case WriteOp::Kind::kAmend:
      return amend_or_append(op, store);
    case WriteOp::Kind::kReset:
      MORGAN_CHECK_OK(store.reset(op.user_id));
      return {};
    case WriteOp::Kind::kSetProfile:
      return store.set_profile(op.user_id, op.profile);
    case WriteOp::Kind::kErase:
      MORGAN_CHECK_OK(store.erase(op.user_id));
      return {};
  }
  return {};
}

}  // namespace morgan::stores
