#include "models/import/mel_filters.h"

#include <algorithm>
#include <cmath>

namespace morgan::models {

namespace {

constexpr double kNyquist = 8000.0;
constexpr double kLinearStep = 200.0 / 3.0;  // Hz per mel below the break
constexpr double kBreakHz = 1000.0;
constexpr double kBreakMel = kBreakHz / kLinearStep;
const double kLogStep = std::log(6.4) / 27.0;

double to_mel(double hz) {
  return hz < kBreakHz ? hz / kLinearStep : kBreakMel + std::log(hz / kBreakHz) / kLogStep;
}

double to_hz(double mel) {
  return mel < kBreakMel ? mel * kLinearStep : kBreakHz * std::exp(kLogStep * (mel - kBreakMel));
}

}  // namespace

std::vector<float> whisper_mel_filters(int bands) {
  std::vector<double> edges;
  const double top = to_mel(kNyquist);
  for (int i = 0; i < bands + 2; ++i)
    edges.push_back(to_hz(top * i / (bands + 1)));

  std::vector<float> filters;
  filters.reserve(static_cast<std::size_t>(bands) * kWhisperSpectrumBins);
  for (std::size_t band = 0; band < static_cast<std::size_t>(bands); ++band) {
    const double low = edges[band];
    const double centre = edges[band + 1];
    const double high = edges[band + 2];
    const double height = 2.0 / (high - low);
    for (int bin = 0; bin < kWhisperSpectrumBins; ++bin) {
      const double hz = kNyquist * bin / (kWhisperSpectrumBins - 1);
      const double slope = std::min((hz - low) / (centre - low), (high - hz) / (high - centre));
      // Rounded before it is scaled, as the reference does.
      filters.push_back(static_cast<float>(static_cast<double>(static_cast<float>(std::max(0.0, slope))) * height));
    }
  }
  return filters;
}

}  // namespace morgan::models
