// One turn per user at a time, in the order in which they came; users do not wait for each other.
#pragma once

#include "base/result.h"
#include "base/stop.h"

#include <condition_variable>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace morgan::dialogue {

/// Holds an entry only for users who are inside or waiting, so it is as small as the load. @thread any
class UserGate {
 public:
  /// Turns of one user that may wait; more are refused, for such a client does not listen to the answers.
  static constexpr std::size_t kMaxWaiting = 8;

  /// Being inside; leaves on destruction. Must not outlive the gate.
  class Pass {
   public:
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)), user_id_(std::move(other.user_id_)) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass();

   private:
    friend class UserGate;
    Pass(UserGate& gate, std::string user_id) : gate_(&gate), user_id_(std::move(user_id)) {}
    UserGate* gate_;  // not owned; null once moved from
    std::string user_id_;
  };

  /// @error kOverloaded  too many wait   @error kCancelled, kDeadlineExceeded  while waiting
  Result<Pass> enter(const std::string& user_id, const StopToken& stop);

  /// Users who are inside or waiting.
  std::size_t users() const;

 private:
  struct Line {
    std::list<int> tickets;  // the front one is inside; a list, for the iterators stay valid
    std::condition_variable moved;
  };
  void leave(const std::string& user_id);

  mutable std::mutex mutex_;
  std::map<std::string, Line> lines_;  // guarded by mutex_
};

}  // namespace morgan::dialogue
