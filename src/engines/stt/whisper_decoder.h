// One window of speech through whisper.cpp: audio_ctx cut to the audio, the guards, and the fall-backs.
#pragma once

#include "base/result.h"
#include "base/stop.h"
#include "engines/stt/stt_engine.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

struct whisper_context;
struct whisper_full_params;
struct whisper_state;

namespace morgan::engines {

/// @thread one caller at a time
class WhisperDecoder {
 public:
  struct Window {
    std::vector<SttSegment> segments;  ///< times from the window's first sample
    std::string language;
    float language_probability = 1;
    bool refused = false;  ///< see Transcript
  };

  /// @error kInternal  out of memory
  static Result<std::unique_ptr<WhisperDecoder>> create(whisper_context* context, int threads);
  ~WhisperDecoder();
  WhisperDecoder(const WhisperDecoder&) = delete;
  WhisperDecoder& operator=(const WhisperDecoder&) = delete;

  /// One short run over silence: allocates, and pages the weights in, before the first word is heard.
  Result<void> warm_up();

  /// @param samples 16 kHz, at most 30 s   @param language ISO 639-1, or "" to detect
  Result<Window> decode(std::span<const float> samples, const std::string& language, const SttRequest& request,
                        const StopToken& stop);

  /// All languages, best first.
  Result<std::vector<LanguageGuess>> detect(std::span<const float> samples, const StopToken& stop);

 private:
  enum class Context { kCut, kFull, kFullWithFallback };
  struct Pass {
    std::vector<SttSegment> segments;
    std::size_t heard = 0;  ///< samples up to the end of the last segment
  };
  WhisperDecoder(whisper_context* context, int threads);
  /// One encoding, whatever of the samples Whisper then leaves out.
  Result<Pass> run_once(std::span<const float> samples, const std::string& language, const SttRequest& request,
                        Context mode, const StopToken& stop);
  /// @param language, request  must outlive them   @param seconds of audio
  whisper_full_params parameters(const std::string& language, const SttRequest& request, Context mode,
                                 double seconds) const;
  /// All of the samples, in as many encodings as Whisper needs.
  Result<std::vector<SttSegment>> run(std::span<const float> samples, const std::string& language,
                                      const SttRequest& request, Context mode, const StopToken& stop);
  Result<std::vector<SttSegment>> run_guarded(std::span<const float> samples, const std::string& language,
                                              const SttRequest& request, const StopToken& stop);
  /// The first of the runs of run_guarded(); nullopt when the guards refuse it.
  Result<std::optional<std::vector<SttSegment>>> run_quick(std::span<const float> samples, const std::string& language,
                                                           const SttRequest& request, const StopToken& stop);
  /// One way or the other, as the request asks.
  Result<void> run_into(Window& window, std::span<const float> samples, const SttRequest& request,
                        const StopToken& stop);
  /// From what the encoder heard last: costs one decoder step.
  std::vector<LanguageGuess> guess_language();
  SttSegment read_segment(int index, bool words) const;

  whisper_context* context_;        // not owned; the model's weights
  whisper_state* state_ = nullptr;  // owned; freed by the destructor
  int threads_;
  std::string last_language_ = "en";
};

}  // namespace morgan::engines
