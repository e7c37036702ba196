// Sessions of MCP clients that begin with `initialize`: whose they are, and which of their calls are under way and may
// be cancelled. The stateless revision has none.
#pragma once

#include "base/json_util.h"
#include "base/result.h"
#include "base/stop.h"

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace morgan::services {

/// @thread any
class McpSession {
 public:
  /// A call begins. @return stops when it is cancelled, and with `parent`   @error kConflict  its id is in use
  Result<StopToken> begin(const Json& id, const StopToken& parent);
  void end(const Json& id);
  void cancel(const Json& id);
  void cancel_all();

 private:
  std::mutex mutex_;                           // guards running_
  std::map<std::string, StopSource> running_;  // by the id as JSON, for "1" is not 1
};

/// @thread any
class McpSessions {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kMost = 1000;
  /// A client that was silent for so long may have to give way to a new one.
  static constexpr std::chrono::minutes kMayGoAfter{5};
  /// It is forgotten in any case.
  static constexpr std::chrono::hours kGoesAfter{24};

  /// @param owner  the user whose session it is, "" when users are not kept apart: another does not find it
  /// @return its id   @error kOverloaded  kMost are open and none has been silent for kMayGoAfter
  Result<std::string> open(const std::string& owner, Clock::time_point now = Clock::now());
  /// Null: there is none, or it has ended. @return shared with the calls under way
  std::shared_ptr<McpSession> find(const std::string& id, const std::string& owner,
                                   Clock::time_point now = Clock::now());
  /// Cancels its calls. False: there was none.
  bool close(const std::string& id);
  std::size_t size() const;

 private:
  struct Entry {
    std::string owner;
    std::shared_ptr<McpSession> session;
    Clock::time_point used;
  };
  void forget_silent(Clock::time_point now);

  mutable std::mutex mutex_;  // guards sessions_
  std::map<std::string, Entry> sessions_;
};

}  // namespace morgan::services
