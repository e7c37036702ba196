#include "stores/journal/pending_writes.h"

#include <algorithm>
#include <ranges>

namespace morgan::stores {

void PendingWrites::add(WriteOp op) {
  const Op& added = ops_.emplace_back(std::make_shared<const WriteOp>(std::move(op)));
  by_user_[added->user_id].push_back(added);
}

void PendingWrites::drop(std::size_t count) {
  for (; count > 0 && !ops_.empty(); --count) {
    const auto user = by_user_.find(ops_.front()->user_id);
    user->second.pop_front();
    if (user->second.empty()) by_user_.erase(user);
    ops_.pop_front();
  }
}

std::vector<PendingWrites::Op> PendingWrites::of(const std::string& user_id) const {
  const auto user = by_user_.find(user_id);
  if (user == by_user_.end()) return {};
  return {user->second.begin(), user->second.end()};
}

std::vector<PendingWrites::Op> PendingWrites::next_batch(std::size_t most) const {
  const auto is_append = [](const Op& op) { return op->kind == WriteOp::Kind::kAppend; };
  std::vector<Op> batch{ops_.front()};
  while (batch.size() < std::min(most, ops_.size()) && is_append(batch.back()) && is_append(ops_[batch.size()]))
    batch.push_back(ops_[batch.size()]);
  return batch;
}

std::optional<std::string> PendingWrites::profile(const std::string& user_id) const {
  const auto user = by_user_.find(user_id);
  if (user == by_user_.end()) return std::nullopt;
  for (const Op& op : std::views::reverse(user->second)) {
    if (op->kind == WriteOp::Kind::kSetProfile) return op->profile;
    if (op->kind == WriteOp::Kind::kErase) return "{}";
  }
  return std::nullopt;
}

bool PendingWrites::will_forget(const std::string& user_id, const std::string& message_id) const {
  const auto user = by_user_.find(user_id);
  if (user == by_user_.end()) return false;
  for (const Op& op : std::views::reverse(user->second)) {
    if (op->kind == WriteOp::Kind::kReset || op->kind == WriteOp::Kind::kErase) return true;
    const bool is_here = std::any_of(op->messages.begin(), op->messages.end(),
                                     [&](const StoredMessage& message) { return message.id == message_id; });
    if (op->kind == WriteOp::Kind::kAppend && is_here) return false;
  }
  return false;
}

}  // namespace morgan::stores
