// Speaks the pieces of one answer, in order, on a thread of its own, while the next ones are still written.
#pragma once

#include "base/error.h"
#include "base/stop.h"
#include "engines/tts/tts_engine.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace morgan::dialogue {

/// @thread push(), finish() and destruction by one thread
class SpeakingThread {
 public:
  /// Pieces that may wait; push() blocks beyond that.
  static constexpr std::size_t kMaxWaiting = 32;

  struct Outcome {
    std::vector<float> samples;  ///< what was spoken, also when an error followed
    std::optional<Error> error;  ///< the engine's; the pieces after it were not spoken
  };

  /// @param tts       outlives the thread
  /// @param on_audio  called on the thread; false ends the speaking. May be empty.
  SpeakingThread(engines::TtsEngine& tts, std::string voice, double speed,
                 std::function<bool(std::span<const float>)> on_audio, StopToken stop);
  SpeakingThread(const SpeakingThread&) = delete;
  SpeakingThread& operator=(const SpeakingThread&) = delete;
  /// Drops what was not spoken yet, and joins.
  ~SpeakingThread();

  /// Queues one piece. Nothing happens any more after an error.
  void push(std::string piece);
  /// True once on_audio has refused.
  bool refused() const;
  /// Waits until everything is spoken, and joins. Call once.
  Outcome finish();

 private:
  void run();
  void speak(const std::string& piece);
  bool take(std::span<const float> samples);

  engines::TtsEngine& tts_;
  const std::string voice_;
  const double speed_;
  const std::function<bool(std::span<const float>)> on_audio_;
  const StopToken stop_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::string> waiting_;
  bool complete_ = false;  // no piece will follow
  bool ended_ = false;     // nothing more is to be spoken: error, refusal, destruction
  bool refused_ = false;
  Outcome outcome_;  // samples: the thread's alone until it has ended

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace morgan::dialogue
