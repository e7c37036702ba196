// One utterance while it is being spoken: samples go in as they arrive, text comes out as it firms up. Works
// over any SttEngine. Text that was once called stable is never taken back, and only the audio behind it is
// transcribed again, so that the last pass after the end of speech is short.
#pragma once

#include "base/result.h"
#include "base/stop.h"
#include "engines/stt/stt_engine.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace morgan::engines {

struct StreamingOptions {
  std::string language;  ///< ISO 639-1, or "" / "auto": detected from the first words, then kept
  std::string prompt;    ///< names and spellings to favour
  /// Of the first two seconds, unless another is certain; SttRequest says why.
  std::string likely_language = "";
};

/// What a pass is for, which decides how careful it is and whom it goes before.
enum class DecodeKind : std::uint8_t {
  kPartial,  ///< they are still speaking: may move the stable prefix
  kPause,    ///< they may have finished: covers all audio; does not move the stable prefix
  kFinal,    ///< they have finished: as kPause, and checked against the whole utterance when unsure
};

struct Hypothesis {
  std::string text;              ///< all of the utterance, stable prefix first
  std::size_t stable_bytes = 0;  ///< of text: what no later hypothesis will change
  float confidence = 0;          ///< 0..1
  std::string language;
  bool language_known = false;    ///< asked for, or certain
  std::size_t heard_samples = 0;  ///< of the utterance that this covers
  double engine_ms = 0;           ///< spent in the engine
  bool checked_whole = false;     ///< the whole utterance was transcribed at once
};

/// @thread push() by one thread, decode() by one (another) thread at a time, beside it
class StreamingTranscriber {
 public:
  /// Longest utterance that is kept; see push().
  static constexpr double kMaxSeconds = 600;

  /// @param engine outlives this
  StreamingTranscriber(SttEngine& engine, StreamingOptions options);
  ~StreamingTranscriber();
  StreamingTranscriber(const StreamingTranscriber&) = delete;
  StreamingTranscriber& operator=(const StreamingTranscriber&) = delete;

  /// @param samples 16 kHz mono   @error kTooLarge  the utterance would exceed kMaxSeconds; nothing was taken
  Result<void> push(std::span<const float> samples);
  std::size_t samples() const;

  /// Transcribes what was pushed so far. @error as SttEngine::transcribe; nothing is lost, call again
  Result<Hypothesis> decode(DecodeKind kind, const StopToken& stop);

  /// Begins the next utterance. The language that was detected is kept.
  void reset();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace morgan::engines
