// Streaming transcriptions of the stt service: one session is one speaker's audio as it arrives, and its text so far.
// The HTTP routes and the WebSocket (stt_streaming.h) both use it.
#pragma once

#include "audio/pcm.h"
#include "audio/resampler.h"
#include "base/result.h"
#include "base/stop.h"
#include "engines/stt/streaming_transcriber.h"
#include "engines/vad/vad_engine.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::services {

using SteadyTime = std::chrono::steady_clock::time_point;

struct SttSessionOptions {
  std::string language;              ///< ISO 639-1, "" detects
  std::string prompt;                ///< names and spellings to favour
  int rate_hz = audio::kSpeechRate;  ///< of PCM that names no rate
  std::string user_id = "default";   ///< whose turn it becomes, on core
};

/// Text of a session so far.
struct SessionText {
  std::string text;
  std::size_t stable_bytes = 0;  ///< of text: what will not change
  float confidence = 0;
  std::string language;
  bool changed = false;  ///< a pass was made for it; false: the audio waits for more
  double engine_ms = 0;
};

/// @thread push_* and the passes by one thread at a time; cancel() and the figures by any
class SttSession {
 public:
  /// @param vad optional: without it everything counts as speech
  SttSession(std::string id, SttSessionOptions options, engines::SttEngine& stt, engines::VadEngine* vad);

  /// @param rate_hz 0: the session's. @error kInvalidArgument  an odd number of bytes; the session is as before
  Result<void> push_pcm16(std::string_view bytes, int rate_hz);
  /// @param pcm at any rate
  Result<void> push(const audio::PcmBuffer& pcm);

  /// Transcribes when enough came since the last time, else says what is known.
  Result<SessionText> partial(const StopToken& stop);
  /// All of it, and nothing will change any more.
  Result<SessionText> finish(const StopToken& stop);

  /// Ends what is being transcribed; the session has been deleted.
  void cancel() { cancelled_.request_stop(StopReason::kClientGone); }
  StopToken cancelled() const { return cancelled_.token(); }

  const std::string& id() const { return id_; }
  const SttSessionOptions& options() const { return options_; }
  double seconds() const { return static_cast<double>(heard_.load()) / audio::kSpeechRate; }
  /// Taken by whoever pushes or asks, for as long as the call lasts.
  std::mutex& use() { return use_; }

 private:
  Result<void> take(std::span<const float> samples);
  Result<void> look_for_speech(std::span<const float> samples);
  Result<void> add(std::span<const float> samples);
  SessionText text_of(const engines::Hypothesis& now) const;

  const std::string id_;
  const SttSessionOptions options_;
  engines::SttEngine& stt_;
  engines::StreamingTranscriber stream_;
  std::unique_ptr<engines::VadStream> vad_;  // null once speech was found, or without a vad
  std::unique_ptr<audio::Resampler> resampler_;
  int resampler_rate_ = 0;
  std::vector<float> waiting_;  // before the first speech: what may belong to it
  std::size_t frames_ = 0;      // of waiting_ that the vad has seen
  int speech_frames_ = 0;       // in a row
  std::string before_;          // text of utterances that were closed because they were too long
  SessionText last_;
  std::size_t passed_ = 0;  // samples of the utterance at the last pass
  SteadyTime passed_at_{};
  std::atomic<std::size_t> heard_{0};
  StopSource cancelled_;
  std::mutex use_;
};

/// All sessions of a service. @thread any
class SttSessions {
 public:
  static constexpr std::size_t kMost = 64;
  static constexpr std::chrono::minutes kIdle{30};

  /// @param now  the clock; tests move it themselves
  SttSessions(engines::SttEngine& stt, engines::VadEngine* vad,
              std::function<SteadyTime()> now = std::chrono::steady_clock::now, std::size_t most = kMost);

  // Each: `owner` is the user whose session it is, "" when users are not kept apart. Another's is not found, and two
  // owners may use the same id.

  /// @param id "" makes one  @error kConflict  taken  @error kOverloaded  too many
  Result<std::shared_ptr<SttSession>> open(std::string id, SttSessionOptions options, const std::string& owner = {});
  /// Counts as use. @error kNotFound
  Result<std::shared_ptr<SttSession>> find(const std::string& id, const std::string& owner = {});
  /// Ends it at once. @error kNotFound
  Result<void> remove(const std::string& id, const std::string& owner = {});

  struct Entry {
    std::shared_ptr<SttSession> session;  // shared with the calls that use it
    double age_seconds = 0;
    double idle_seconds = 0;
  };
  std::vector<Entry> list(const std::string& owner = {});

 private:
  using Key = std::pair<std::string, std::string>;  // owner and id
  struct Held {
    std::shared_ptr<SttSession> session;  // shared with the calls that use it
    SteadyTime opened;
    SteadyTime used;
  };
  void drop_idle(SteadyTime now);

  engines::SttEngine& stt_;
  engines::VadEngine* vad_;
  const std::function<SteadyTime()> now_;
  const std::size_t most_;
  std::mutex mutex_;
  std::map<Key, Held> sessions_;  // guarded by mutex_
};

}  // namespace morgan::services
