// Voice activity: probability of speech per 32 ms frame, and the segments that follow from it.
#pragma once

#include "audio/pcm.h"
#include "base/result.h"
#include "engines/engine_info.h"

#include <memory>
#include <span>
#include <vector>

namespace morgan::engines {

/// One stream's state. @thread one caller at a time; streams are independent
class VadStream {
 public:
  virtual ~VadStream() = default;
  /// @param frame exactly VadEngine::kFrameSamples samples, 16 kHz mono in [-1, 1]
  /// @return probability of speech, 0..1
  virtual Result<float> push(std::span<const float> frame) = 0;
  virtual void reset() = 0;
};

class VadEngine {
 public:
  static constexpr std::size_t kFrameSamples = 512;  ///< 32 ms at 16 kHz: the only size Silero v6 takes
  virtual ~VadEngine() = default;
  virtual std::unique_ptr<VadStream> open() = 0;
  virtual EngineInfo info() const = 0;
};

/// The defaults are the older API's (threshold 0.5, 250 ms, 500 ms, 400 ms, 30 s).
struct SegmenterOptions {
  float threshold = 0.5F;  ///< speech begins at or above; ends below threshold - 0.15
  int min_speech_ms = 250;
  int min_silence_ms = 500;
  int pad_ms = 400;            ///< added on both sides, never into a neighbour
  int max_speech_ms = 30'000;  ///< longer segments are cut at their quietest point
  Result<void> check() const;
};

struct SpeechSegment {
  double start_seconds = 0;
  double end_seconds = 0;
  float confidence = 0;  ///< mean probability inside
};

/// Frame by frame. @thread one caller at a time
class SpeechSegmenter {
 public:
  struct Event {
    enum class Kind { kStart, kEnd } kind = Kind::kStart;
    double at_seconds = 0;  ///< where speech began or ended, pad not included
    float confidence = 0;
  };
  explicit SpeechSegmenter(SegmenterOptions options);
  /// @param probability of the next 32 ms frame
  std::vector<Event> push(float probability);
  std::vector<Event> finish();
  bool in_speech() const { return in_speech_; }

 private:
  SegmenterOptions options_;
  bool in_speech_ = false;
  std::size_t frame_ = 0;
  std::size_t speech_start_ = 0;
  std::size_t silence_frames_ = 0;
  std::size_t candidate_frames_ = 0;
  double probability_sum_ = 0;
  std::size_t probability_count_ = 0;
};

/// Whole-audio form: padded, merged, cut at max_speech. @param pcm 16 kHz
Result<std::vector<SpeechSegment>> find_speech(VadEngine& vad, audio::PcmView pcm, const SegmenterOptions& options);

}  // namespace morgan::engines
