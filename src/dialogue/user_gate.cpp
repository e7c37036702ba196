#include "dialogue/user_gate.h"

#include <chrono>

namespace morgan::dialogue {

namespace {

/// A stop token is looked at, it does not wake: how late a waiting turn may notice it.
constexpr std::chrono::milliseconds kStopCheck{20};

}  // namespace

UserGate::Pass::~Pass() {
  if (gate_ != nullptr) gate_->leave(user_id_);
}

Result<UserGate::Pass> UserGate::enter(const std::string& user_id, const StopToken& stop) {
  std::unique_lock lock(mutex_);
  Line& line = lines_[user_id];
  if (line.tickets.size() > kMaxWaiting) {
    return fail(ErrorCode::kOverloaded, "too many turns of this user are waiting; wait for an answer first");
  }
  const auto mine = line.tickets.insert(line.tickets.end(), 0);
  while (mine != line.tickets.begin()) {
    if (stop.stop_requested()) {
      // Somebody is in front, so the line stays.
      line.tickets.erase(mine);
      return fail(stop.error());
    }
    line.moved.wait_for(lock, kStopCheck);
  }
  return Pass(*this, user_id);
}

std::size_t UserGate::users() const {
  const std::lock_guard lock(mutex_);
  return lines_.size();
}

void UserGate::leave(const std::string& user_id) {
  const std::lock_guard lock(mutex_);
  const auto at = lines_.find(user_id);
  at->second.tickets.pop_front();
  if (at->second.tickets.empty()) {
    lines_.erase(at);
  } else {
    at->second.moved.notify_all();
  }
}

}  // namespace morgan::dialogue
