// Where in the audio somebody speaks: voice-started and voice-stopped as it happens.
#pragma once

#include "engines/vad/vad_engine.h"
#include "services/wyoming/audio_listener.h"
#include "services/wyoming/wyoming_outlet.h"

#include <memory>
#include <optional>
#include <vector>

namespace morgan::services {

/// Frames for the detector out of any number of samples.
class VoiceFinder {
 public:
  VoiceFinder(engines::VadEngine& vad, engines::SegmenterOptions options) : vad_(vad.open()), segmenter_(options) {}

  Result<std::vector<engines::SpeechSegmenter::Event>> push(std::span<const float> samples);
  std::vector<engines::SpeechSegmenter::Event> finish() { return segmenter_.finish(); }
  double seconds() const { return static_cast<double>(samples_) / audio::kSpeechRate; }

 private:
  std::unique_ptr<engines::VadStream> vad_;
  engines::SpeechSegmenter segmenter_;
  std::vector<float> frame_;  // fewer than a frame
  std::size_t samples_ = 0;
};

/// Sends one of the finder's events. @param begin_ms  the client's time of the first sample
Result<void> send_voice_event(const WyomingOutlet& out, const engines::SpeechSegmenter::Event& event,
                              long long begin_ms);

class VadRequest final : public AudioListener {
 public:
  /// @param vad, out  outlive it
  VadRequest(engines::VadEngine& vad, const WyomingOutlet& out) : finder_(vad, {}), out_(out) {}

  void begin(long long timestamp_ms) override { begin_ms_ = timestamp_ms; }
  Result<void> take(std::span<const float> samples) override;
  Result<void> finish() override;

 private:
  VoiceFinder finder_;
  const WyomingOutlet& out_;
  long long begin_ms_ = 0;
};

}  // namespace morgan::services
