// run-pipeline, as a satellite asks for it: its microphone in, the end of the command found here, then the answer, in
// writing or aloud. The audio comes as bare audio-chunks and has no end of its own.
#pragma once

#include "base/json_util.h"
#include "engines/wake/wake_engine.h"
#include "services/wyoming/asr_request.h"
#include "services/wyoming/audio_listener.h"
#include "services/wyoming/vad_request.h"
#include "services/wyoming/wyoming_outlet.h"
#include "services/wyoming/wyoming_parts.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace morgan::services {

enum class PipelineStage : std::uint8_t { kWake, kAsr, kIntent, kHandle, kTts };

struct PipelineRun {
  PipelineStage start = PipelineStage::kAsr;
  PipelineStage end = PipelineStage::kTts;
  bool restart = false;                 ///< begin again when it has ended
  std::string announce_text;            ///< start = kTts: what is to be said
  std::vector<std::string> wake_words;  ///< start = kWake: for which; empty: any
};

/// @param data  of run-pipeline   @error kInvalidArgument  names the key
Result<PipelineRun> read_pipeline(const Json& data);

class PipelineRequest final : public AudioListener {
 public:
  /// @param parts, out  outlive it; parts has all that `run` needs   @param conversation  where its turns are kept
  PipelineRequest(const WyomingParts& parts, const WyomingOutlet& out, PipelineRun run, std::string conversation);

  /// Before anything else. @error kNotFound  a wake word
  Result<void> start();
  Result<void> take(std::span<const float> samples) override;
  Result<void> pause() override { return asr_ ? asr_->pause() : Result<void>{}; }
  Result<void> finish() override;
  bool done() const override { return done_; }

 private:
  Result<void> wait_for_wake_word(std::span<const float> samples);
  void listen();
  Result<void> conclude();
  Result<void> answer(const std::string& text);
  Result<void> tell(const dialogue::TurnResult& result, WyomingAudio& audio);

  const WyomingParts& parts_;
  const WyomingOutlet& out_;
  const PipelineRun run_;
  const std::string conversation_;
  std::unique_ptr<engines::WakeStream> wake_;  // null: nobody has to wake it, or somebody has
  std::optional<AsrRequest> asr_;
  std::optional<VoiceFinder> finder_;
  bool voice_ = false;  // somebody has begun to speak
  bool done_ = false;
};

}  // namespace morgan::services
