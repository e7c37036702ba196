// The WebRTC calls of /v1/realtime/calls: each joins a peer's track and data channel to a RealtimeSession, which does
// not know more of it than that its audio has a way of its own.
#pragma once

#include "dialogue/live/live_service.h"
#include "net/http_types.h"
#include "net/webrtc/rtc_peer.h"
#include "services/realtime_session.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace morgan::services {

class RealtimeCall;

/// @thread any
class RealtimeCalls : public std::enable_shared_from_this<RealtimeCalls> {
 public:
  struct Answer {
    std::string id;  ///< "rtc_..."
    std::string sdp;
  };

  /// @param still_welcome  asked every few seconds of each caller; when it says no, the call ends. Null: who has come
  /// in stays
  explicit RealtimeCalls(net::RtcOptions options, std::function<bool(const net::Caller&)> still_welcome = nullptr)
      : options_(std::move(options)), still_welcome_(std::move(still_welcome)) {}

  /// Takes a call; blocks for some milliseconds. @param caller  who may hang it up; null: anybody
  /// @error kInvalidArgument  the offer   @error kOverloaded  no room for another conversation
  /// @error kUnavailable  there is no way to be reached, or the server is stopping
  Result<Answer> open(dialogue::live::LiveService& live, RealtimeStart start, const std::string& offer,
                      std::shared_ptr<const net::Caller> caller);
  /// @error kNotFound  there is none, or it is another user's
  Result<void> hang_up(const std::string& id, const net::Caller* caller);
  /// Takes no more, lets each end as the server's WebSockets do, and cuts what is left after `grace`.
  void stop(std::chrono::milliseconds grace);

 private:
  friend class RealtimeCall;
  void forget(const std::string& id);

  const net::RtcOptions options_;
  const std::function<bool(const net::Caller&)> still_welcome_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;                                      // guarded by mutex_
  std::map<std::string, std::shared_ptr<RealtimeCall>> open_;  // guarded by mutex_; shared with their sessions
};

}  // namespace morgan::services
