#include "stores/journal/conversation_view.h"

#include "base/json_util.h"

namespace morgan::stores {

namespace {

StoredMessage* find(std::vector<StoredMessage>& messages, const std::string& id) {
  for (StoredMessage& message : messages) {
    if (message.id == id) return &message;
  }
  return nullptr;
}

}  // namespace

void ConversationView::apply(const WriteOp& op, const std::string& now) {
  const std::string user = op.user_id;
  switch (op.kind) {
    case WriteOp::Kind::kAppend:
      conversation.user_id = user;
      if (conversation.created_at.empty()) conversation.created_at = now;
      conversation.updated_at = std::max(conversation.updated_at, now);
      for (const StoredMessage& message : op.messages) {
        if (find(messages, message.id) != nullptr) continue;
        messages.push_back(message);
        messages.back().sequence = ++conversation.message_count;
      }
      if (messages.size() > kMost) messages.erase(messages.begin(), messages.end() - kMost);
      return;
    case WriteOp::Kind::kAmend:
      if (StoredMessage* const message = find(messages, op.messages.front().id)) {
        message->content = op.messages.front().content;
        message->metadata = op.messages.front().metadata;
      }
      return;
    case WriteOp::Kind::kReset:
    case WriteOp::Kind::kErase:
      *this = {};
      conversation.user_id = user;
      return;
    case WriteOp::Kind::kSetProfile:
      return;
  }
}

std::string to_text(const ConversationView& view) {
  Json messages = Json::array();
  for (const StoredMessage& message : view.messages) {
    messages.push_back(
        {message.id, message.role, message.content, message.created_at, message.sequence, message.metadata});
  }
  const StoredConversation& c = view.conversation;
  return dump_json(Json{{"id", c.conversation_id},
                        {"user", c.user_id},
                        {"created", c.created_at},
                        {"updated", c.updated_at},
                        {"count", c.message_count},
                        {"messages", std::move(messages)}});
}

std::optional<ConversationView> read_view(std::string_view text) {
  const auto parsed = parse_json_object(text);
  if (!parsed) return std::nullopt;
  // Whoever wrote it, another program may share the cache.
  try {
    ConversationView view;
    view.conversation = {parsed->at("id"), parsed->at("user"), parsed->at("created"), parsed->at("updated"),
                         parsed->at("count")};
    for (const Json& m : parsed->at("messages")) {
      view.messages.push_back({m.at(1), m.at(2), m.at(3), m.at(4), m.at(5), m.at(0)});
    }
    return view;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace morgan::stores
