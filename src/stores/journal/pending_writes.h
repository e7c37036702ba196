// The writes that wait, as in the journal, in memory: in order, and found by their user. Private to this folder.
#pragma once

#include "stores/journal/write_op.h"

#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>

namespace morgan::stores {

/// @thread one caller at a time; the operations themselves are never changed
class PendingWrites {
 public:
  using Op = std::shared_ptr<const WriteOp>;

  void add(WriteOp op);
  /// The first `count` are done.
  void drop(std::size_t count);

  std::size_t size() const { return ops_.size(); }
  bool empty() const { return ops_.empty(); }
  /// In order.
  std::vector<Op> of(const std::string& user_id) const;

  /// The appends at the front, at most `most`, or one other write: done again after later ones, that would undo them,
  /// so it is marked as done by itself. Not to be called when empty.
  std::vector<Op> next_batch(std::size_t most) const;

  /// The user's profile as what waits leaves it; nullopt: nothing that waits says.
  std::optional<std::string> profile(const std::string& user_id) const;
  /// What waits closes or erases the conversation that this message is in.
  bool will_forget(const std::string& user_id, const std::string& message_id) const;

 private:
  std::deque<Op> ops_;
  std::unordered_map<std::string, std::deque<Op>> by_user_;
};

}  // namespace morgan::stores
