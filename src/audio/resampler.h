// Sample-rate conversion by soxr (high quality), streaming or whole.
#pragma once

#include "audio/pcm.h"
#include "base/result.h"

#include <memory>
#include <span>
#include <vector>

namespace morgan::audio {

/// One stream of one rate pair. @thread one caller at a time
class Resampler {
 public:
  /// @error kInvalidArgument  a rate outside 1,000..384,000 Hz
  static Result<std::unique_ptr<Resampler>> create(int from_hz, int to_hz);
  virtual ~Resampler() = default;
  virtual std::vector<float> push(std::span<const float> samples) = 0;
  virtual std::vector<float> finish() = 0;
};

Result<PcmBuffer> resample(PcmView pcm, int to_hz);

}  // namespace morgan::audio
