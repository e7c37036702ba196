// What takes the audio of one Wyoming request, from audio-start to audio-stop.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <span>

namespace morgan::services {

/// @thread one caller at a time; calls may block
class AudioListener {
 public:
  virtual ~AudioListener() = default;
  /// Before the first samples. @param timestamp_ms  the client's time of them
  virtual void begin(long long timestamp_ms) { static_cast<void>(timestamp_ms); }
  /// @param samples 16 kHz mono   @error ends the request
  virtual Result<void> take(std::span<const float> samples) = 0;
  /// No more has come yet: there is time for text on the way.
  virtual Result<void> pause() { return {}; }
  /// The client has ended the audio.
  virtual Result<void> finish() = 0;
  /// Nothing more is wanted: what still comes is for nobody.
  virtual bool done() const { return false; }
};

}  // namespace morgan::services
