// Has the speaker finished the thought? Asked at a pause.
#pragma once

#include "audio/pcm.h"
#include "base/result.h"
#include "engines/engine_info.h"

namespace morgan::engines {

class TurnEngine {
 public:
  virtual ~TurnEngine() = default;
  /// @param pcm what was said so far in this turn, 16 kHz; the last 8 s count
  /// @return probability that the turn is complete, 0..1
  /// @thread any, concurrently
  virtual Result<float> probability_complete(audio::PcmView pcm) = 0;
  virtual EngineInfo info() const = 0;
};

}  // namespace morgan::engines
