// Speech to text.
#pragma once

#include "audio/pcm.h"
#include "base/result.h"
#include "base/stop.h"
#include "engines/engine_info.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace morgan::engines {

enum class SttTask : std::uint8_t { kTranscribe, kTranslate };
/// Whom a call goes before: a live turn before the partial text of one that is still being spoken, both before
/// a file.
enum class SttPriority : std::uint8_t { kLive, kPartial, kBatch };

struct SttSegment;

struct SttRequest {
  std::string language;  ///< ISO 639-1 ("en"), or "" / "auto": detect
  /// Of less than two seconds hardly any detection is sure: they are in this language unless it is. "": none is
  /// likelier.
  std::string likely_language;
  std::string prompt;  ///< names and spellings to favour
  SttTask task = SttTask::kTranscribe;
  float temperature = 0;  ///< 0..1; 0 falls back upwards by itself when decoding fails its guards
  bool word_timestamps = false;
  SttPriority priority = SttPriority::kBatch;
  bool use_vad = true;  ///< transcribe only where there is speech
  /// The caller has heard speech in it and knows where: no look for it, and no silence is expected inside.
  bool trusted_speech = false;
  /// One pass and no fall-backs: what the guards refuse comes back as `refused`, soon, for somebody is waiting.
  bool quick = false;
  /// Called with 0..1 as a long file advances, from the calling thread.
  std::function<void(double)> on_progress;
  /// Called with each segment when it is certain, in order, from the calling thread. Engines that get their segments
  /// all at once do not call it.
  std::function<void(const SttSegment&)> on_segment;
};

struct SttWord {
  std::string text;  ///< with its leading blank removed
  double start_seconds = 0;
  double end_seconds = 0;
  float probability = 0;
};

struct SttSegment {
  std::string text;
  double start_seconds = 0;
  double end_seconds = 0;
  float confidence = 0;  ///< mean token probability
  float no_speech_probability = 0;
  float average_log_probability = 0;
  float compression_ratio = 0;  ///< bytes of text over bytes deflated, as Whisper's guard
  float temperature = 0;
  std::vector<int> tokens;
  std::vector<SttWord> words;  ///< when asked for
};

struct Transcript {
  std::string text;      ///< segments joined, trimmed; "" when nothing was said
  std::string language;  ///< ISO 639-1, detected or as asked
  float language_probability = 1;
  float confidence = 0;         ///< 0..1, duration-weighted over segments; 0 when empty
  double duration_seconds = 0;  ///< of the audio
  std::vector<SttSegment> segments;
  double engine_seconds = 0;  ///< time inside the engine
  bool refused = false;       ///< of a quick request: what was decoded was not to be believed, so there is none
};

struct LanguageGuess {
  std::string language;
  float probability = 0;
};

class SttEngine {
 public:
  virtual ~SttEngine() = default;

  /// @param pcm 16 kHz mono, any length; long audio is walked in windows with bounded memory
  /// @error kInvalidArgument, reason LANGUAGE_NOT_SUPPORTED
  /// @error kOverloaded  too many waiting   @error kCancelled, kDeadlineExceeded  `stop` fired
  /// @thread any, concurrently; calls queue in the order of SttPriority
  virtual Result<Transcript> transcribe(audio::PcmView pcm, const SttRequest& request, const StopToken& stop) = 0;

  /// Best first, at most five. @error kUnsupported  an English-only or remote model
  virtual Result<std::vector<LanguageGuess>> detect_language(audio::PcmView pcm, const StopToken& stop) = 0;

  virtual EngineInfo info() const = 0;
};

}  // namespace morgan::engines
