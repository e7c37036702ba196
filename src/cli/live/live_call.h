// A conversation over /ws/audio as somebody at a microphone has it: 20 ms of sound every 20 ms by the monotonic clock,
// room noise while nobody speaks, and whatever Morgan sends, with the time at which it came.
#pragma once

#include "base/json_util.h"
#include "base/result.h"
#include "net/ws_client.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace morgan::cli {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

inline double ms_between(Time from, Time to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

struct LiveCallOptions {
  std::string core;  ///< "http://host:port" of the core service
  std::string user_id;
  std::string voice;          ///< of the answers; "": the server's default
  std::string language;       ///< "": detected
  double pace = 1;            ///< seconds of sound in a second
  net::Headers headers = {};  ///< of the handshake
  std::string ca_file = {};   ///< as net::WsClient::connect
};

/// Frames of the microphone. A late one left more than 10 ms after it was due; one that was due more than a second
/// ago is dropped, as a sound card would.
struct FrameCounts {
  std::size_t sent = 0;
  std::size_t late = 0;
  std::size_t dropped = 0;
};

struct Arrival {
  Time at;
  Json json;          ///< null: sound
  std::string sound;  ///< PCM16
};

/// @thread one that calls; the microphone has its own
class LiveCall {
 public:
  static constexpr int kRate = 16000;
  static constexpr std::size_t kFrame = 320;

  /// Connects, starts and waits until the server has confirmed.
  /// @error as net::WsClient::connect; what the server says; kDeadlineExceeded
  static Result<std::unique_ptr<LiveCall>> open(const LiveCallOptions& options);
  ~LiveCall();
  LiveCall(const LiveCall&) = delete;
  LiveCall& operator=(const LiveCall&) = delete;

  /// Says `samples` (16 kHz) after what is being said. A frame leaves when its last sample has been spoken.
  /// @return when the first sample is spoken
  Time play(std::vector<float> samples);
  FrameCounts frames() const;

  Result<void> say(const std::string& text);  ///< a written message
  Result<void> cancel();                      ///< the answer is not wanted
  /// The next message before `until`; nullopt: none came. @error kUnavailable  the connection has ended
  Result<std::optional<Arrival>> next(Time until);
  /// Says stop and waits for the end, some seconds at most.
  void hang_up();

 private:
  LiveCall(std::unique_ptr<net::WsClient> socket, double pace);
  void run_microphone();
  std::string next_frame();
  Time due(std::size_t frame) const;
  Result<void> send(const OrderedJson& message);

  std::unique_ptr<net::WsClient> socket_;
  const std::chrono::nanoseconds frame_time_;
  const Time begin_;
  std::minstd_rand noise_{20};  // the microphone's thread's

  mutable std::mutex mutex_;
  std::condition_variable stopped_changed_;
  std::deque<float> waiting_;   // guarded by mutex_; bounded by what the caller plays
  std::size_t next_frame_ = 0;  // guarded by mutex_
  FrameCounts frames_;          // guarded by mutex_
  bool stopped_ = false;        // guarded by mutex_
  std::thread microphone_;
};

}  // namespace morgan::cli
