// The triangular filters of Whisper's log-mel spectrogram.
#pragma once

#include <vector>

namespace morgan::models {

inline constexpr int kWhisperSpectrumBins = 201;  ///< of a 400-sample window

/// `bands` x kWhisperSpectrumBins, row after row: Slaney's mel scale at 16 kHz, each filter of area one.
/// @source M. Slaney, Auditory Toolbox (1998), as whisper's mel_filters.npz was made
std::vector<float> whisper_mel_filters(int bands);

}  // namespace morgan::models
