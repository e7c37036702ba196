// Whisper's log-mel spectrogram, as Smart Turn was trained on it.
#pragma once

#include <memory>
#include <span>
#include <vector>

namespace morgan::engines {

/// 16 kHz, window 400 (Hann, periodic), hop 160, 80 Slaney mel bands from 0 to 8 kHz; waveform brought to
/// zero mean and unit variance; log10 clamped to 8 below the maximum, (x + 4) / 4.
/// @source Radford et al. 2022, section 2.2; Slaney, Auditory Toolbox (1998) for the filters
class LogMel {
 public:
  static constexpr int kBands = 80;
  static constexpr int kHop = 160;

  LogMel();
  ~LogMel();
  LogMel(LogMel&&) noexcept;

  /// @param samples  a multiple of kHop, at least 400
  /// @return kBands rows of samples/kHop columns, row-major
  /// @thread any, concurrently
  std::vector<float> compute(std::span<const float> samples) const;

 private:
  struct Tables;
  std::unique_ptr<const Tables> tables_;
};

}  // namespace morgan::engines
