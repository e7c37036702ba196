// From microphone samples to "they speak" and "they pause", as early as it can be told. Silero says what is
// speech; it needs a few frames to notice an end, so the level says it first: within 40 ms of the last voiced
// sample in a quiet room, and never later than Silero.
#pragma once

#include "base/result.h"
#include "engines/vad/vad_engine.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace morgan::dialogue::live {

struct GateEvent {
  enum class Kind : std::uint8_t {
    kSound,        ///< no speech yet, but the level has risen; comes again while it lasts
    kMaybeSpeech,  ///< one voiced frame: may be a click
    kSpeech,       ///< certain. `at_sample`: where it began
    kPause,        ///< `at_sample`: behind the last voiced sample
  };
  Kind kind = Kind::kMaybeSpeech;
  std::size_t at_sample = 0;  ///< counted from the first that was ever pushed
};

/// @thread one caller at a time
class SpeechGate {
 public:
  explicit SpeechGate(std::unique_ptr<engines::VadStream> vad) : vad_(std::move(vad)) {}

  /// @param samples 16 kHz mono, any number
  Result<std::vector<GateEvent>> push(std::span<const float> samples);

  bool in_speech() const { return state_ == State::kSpeech; }
  std::size_t samples() const { return position_; }
  std::size_t last_voiced_sample() const { return last_voiced_; }

 private:
  enum class State : std::uint8_t { kQuiet, kSpeech, kPause };

  void hop(double power, std::vector<GateEvent>& events);
  void frame(float probability, std::vector<GateEvent>& events);
  void begin_speech(std::size_t at, std::vector<GateEvent>& events);
  void begin_pause(std::vector<GateEvent>& events);

  std::unique_ptr<engines::VadStream> vad_;
  std::vector<float> frame_;  // fewer than a frame
  State state_ = State::kQuiet;
  std::size_t position_ = 0;
  double hop_power_ = 0;
  std::size_t hop_samples_ = 0;

  // Levels in dB of full scale.
  double noise_db_ = -60;
  double speech_db_ = -30;
  bool levels_known_ = false;

  std::size_t last_voiced_ = 0;   // behind the last hop above the voice's threshold
  std::size_t first_voiced_ = 0;  // of the hops since the pause or the quiet began
  int voiced_hops_ = 0;           // since then
  int voiced_run_ = 0;            // hops in a row
  int voiced_in_frame_ = 0;       // hops since the frame before
  int silent_hops_ = 0;           // in a row
  int speech_frames_ = 0;         // in a row
  int silence_frames_ = 0;        // in a row
  std::size_t candidate_ = 0;     // where the first of speech_frames_ began
};

}  // namespace morgan::dialogue::live
