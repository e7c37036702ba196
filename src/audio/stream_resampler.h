// Sample-rate conversion for live audio: what goes in comes out at once. resampler.h, for files, is more exact at
// the edge of the band but holds back 20 to 117 ms (soxr works in blocks); this holds back a millisecond or two.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace morgan::audio {

/// One stream of one rate pair; any chunking gives the same samples. A sample comes out at the same moment of the
/// recording that it went in at: nothing is shifted. Flat within 0.1 dB up to 85 % of the lower rate's half; what the
/// lower rate cannot hold is at least 70 dB down from 115 % of it. @thread one caller at a time
class StreamResampler {
 public:
  /// @error kInvalidArgument  a rate outside 8,000..48,000 Hz
  static Result<StreamResampler> create(int from_hz, int to_hz);

  std::vector<float> push(std::span<const float> samples);
  /// What is held back, as if silence followed; then the stream may begin anew.
  std::vector<float> flush();
  /// Samples at the new rate that are held back.
  std::size_t delay_samples() const;

 private:
  StreamResampler(std::size_t up, std::size_t down);
  void take_ready(std::vector<float>& out, std::size_t most);

  std::size_t up_;  // the ratio of the rates, to / from, in lowest terms
  std::size_t down_;
  std::size_t half_;            // input samples on either side that an output sample is made of
  std::vector<float> filters_;  // up_ rows of 2 * half_
  std::vector<float> pending_;  // inputs that are still needed, from before the next output's first
  std::size_t phase_ = 0;       // of the next output between two inputs, in 1/up_
  std::size_t pushed_ = 0;
  std::size_t made_ = 0;
};

}  // namespace morgan::audio
