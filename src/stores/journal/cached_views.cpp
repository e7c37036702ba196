#include "stores/journal/cached_views.h"

#include "base/time_text.h"

#include <algorithm>
#include <map>

namespace morgan::stores {

namespace {

std::string view_key(const std::string& user_id) {
  return "conversation:" + user_id;
}

std::string profile_key(const std::string& user_id) {
  return "user_prefs:" + user_id;
}

/// Fewer were asked for than are known: they replace those that they are, amended perhaps. False: they are others.
bool replace_last(std::vector<StoredMessage>& known, const std::vector<StoredMessage>& messages) {
  if (messages.size() >= known.size()) return false;
  const auto tail = known.end() - static_cast<std::ptrdiff_t>(messages.size());
  const auto same_id = [](const StoredMessage& a, const StoredMessage& b) { return a.id == b.id; };
  if (!std::equal(messages.begin(), messages.end(), tail, same_id)) return false;
  std::copy(messages.begin(), messages.end(), tail);
  return true;
}

}  // namespace

CachedViews::Moment CachedViews::moment() const {
  const std::lock_guard lock(mutex_);
  return forgotten_;
}

std::optional<ConversationView> CachedViews::view(const std::string& user_id) const {
  const auto text = cache_.get(view_key(user_id));
  return text ? read_view(*text) : std::nullopt;
}

std::optional<std::string> CachedViews::profile(const std::string& user_id) const {
  return cache_.get(profile_key(user_id));
}

void CachedViews::keep(const std::string& user_id, const ConversationView& view) {
  cache_.set(view_key(user_id), to_text(view), kConversationKept);
}

void CachedViews::remember_append(const WriteOp& op, const StoredConversation& stored, Moment asked) {
  const std::lock_guard lock(mutex_);
  if (forgotten_ != asked) return;
  ConversationView known = view(op.user_id).value_or(ConversationView{});
  if (known.conversation.conversation_id != stored.conversation_id) known.messages.clear();
  known.conversation = stored;
  known.conversation.message_count -= static_cast<long long>(op.messages.size());
  known.apply(op, stored.updated_at);
  known.conversation = stored;
  keep(op.user_id, known);
}

void CachedViews::remember_recent(const std::string& user_id, const std::vector<StoredMessage>& messages,
                                  Moment asked) {
  const std::lock_guard lock(mutex_);
  if (forgotten_ != asked) return;
  if (messages.empty()) return cache_.erase(view_key(user_id));
  ConversationView known = view(user_id).value_or(ConversationView{});
  if (!replace_last(known.messages, messages)) known.messages = messages;
  known.conversation.user_id = user_id;
  known.conversation.message_count = messages.back().sequence;
  keep(user_id, known);
}

void CachedViews::remember_profile(const std::string& user_id, const std::string& json, Moment asked) {
  const std::lock_guard lock(mutex_);
  if (forgotten_ == asked) cache_.set(profile_key(user_id), json, kProfileKept);
}

void CachedViews::amend(const WriteOp& op, Moment asked) {
  const std::lock_guard lock(mutex_);
  if (forgotten_ != asked) return;
  auto known = view(op.user_id);
  if (!known) return;
  known->apply(op, now_iso8601());
  keep(op.user_id, *known);
}

/// The caller holds mutex_.
void CachedViews::apply(const WriteOp& op, ConversationView& known, const std::string& now) {
  known.apply(op, now);
  if (op.kind == WriteOp::Kind::kSetProfile) cache_.set(profile_key(op.user_id), op.profile, kProfileKept);
  if (op.kind == WriteOp::Kind::kErase) cache_.erase(profile_key(op.user_id));
  if (op.kind == WriteOp::Kind::kErase || op.kind == WriteOp::Kind::kReset) ++forgotten_;
}

void CachedViews::replayed(std::span<const PendingWrites::Op> ops) {
  std::map<std::string, std::vector<const WriteOp*>> by_user;
  for (const PendingWrites::Op& op : ops)
    by_user[op->user_id].push_back(op.get());
  const std::string now = now_iso8601();
  for (const auto& [user_id, writes] : by_user) {
    const std::lock_guard lock(mutex_);
    ConversationView known = view(user_id).value_or(ConversationView{});
    for (const WriteOp* const op : writes)
      apply(*op, known, now);
    known.messages.empty() ? cache_.erase(view_key(user_id)) : keep(user_id, known);
  }
}

void CachedViews::forget_conversation(const std::string& user_id) {
  const std::lock_guard lock(mutex_);
  ++forgotten_;
  cache_.erase(view_key(user_id));
}

void CachedViews::forget_user(const std::string& user_id) {
  const std::lock_guard lock(mutex_);
  ++forgotten_;
  cache_.erase(view_key(user_id));
  cache_.erase(profile_key(user_id));
}

}  // namespace morgan::stores
