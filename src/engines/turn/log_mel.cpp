#include "engines/turn/log_mel.h"

#include <kiss_fftr.h>

#include <cmath>
#include <numbers>

namespace morgan::engines {

namespace {

constexpr std::size_t kWindow = 400;
constexpr std::size_t kBins = kWindow / 2 + 1;
constexpr double kRateHz = 16000;
constexpr double kVarianceFloor = 1e-7;
constexpr double kPowerFloor = 1e-10;
constexpr double kDynamicRange = 8;

// Slaney's scale: linear to 1 kHz (15 mel), logarithmic above.
constexpr double kHzPerMel = 200.0 / 3;
constexpr double kBreakHz = 1000;
constexpr double kBreakMel = kBreakHz / kHzPerMel;
const double kLogStep = std::log(6.4) / 27;

double hz_to_mel(double hz) {
  return hz < kBreakHz ? hz / kHzPerMel : kBreakMel + std::log(hz / kBreakHz) / kLogStep;
}

double mel_to_hz(double mel) {
  return mel < kBreakMel ? mel * kHzPerMel : kBreakHz * std::exp(kLogStep * (mel - kBreakMel));
}

/// One triangle, only its non-zero bins.
struct Band {
  std::size_t first = 0;
  std::vector<float> weights;
};

std::vector<Band> make_bands() {
  std::vector<double> edges(LogMel::kBands + 2);
  const double top = hz_to_mel(kRateHz / 2);
  for (std::size_t i = 0; i < edges.size(); ++i)
    edges[i] = mel_to_hz(top * static_cast<double>(i) / static_cast<double>(edges.size() - 1));
  std::vector<Band> bands(LogMel::kBands);
  for (std::size_t band = 0; band < bands.size(); ++band) {
    const double norm = 2.0 / (edges[band + 2] - edges[band]);  // equal area
    for (std::size_t bin = 0; bin < kBins; ++bin) {
      const double hz = static_cast<double>(bin) * kRateHz / static_cast<double>(kWindow);
      const double rising = (hz - edges[band]) / (edges[band + 1] - edges[band]);
      const double falling = (edges[band + 2] - hz) / (edges[band + 2] - edges[band + 1]);
      const double weight = std::min(rising, falling);
      if (weight <= 0) continue;
      if (bands[band].weights.empty()) bands[band].first = bin;
      bands[band].weights.push_back(static_cast<float>(weight * norm));
    }
  }
  return bands;
}

struct FftDeleter {
  void operator()(kiss_fftr_state* state) const { kiss_fftr_free(state); }
};

using Fft = std::unique_ptr<kiss_fftr_state, FftDeleter>;

}  // namespace

struct LogMel::Tables {
  std::vector<float> window;
  std::vector<Band> bands;
};

LogMel::LogMel() {
  auto tables = std::make_unique<Tables>();
  tables->window.resize(kWindow);
  for (std::size_t i = 0; i < kWindow; ++i) {
    tables->window[i] = static_cast<float>(
        0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(kWindow)));
  }
  tables->bands = make_bands();
  tables_ = std::move(tables);
}

LogMel::~LogMel() = default;
LogMel::LogMel(LogMel&&) noexcept = default;

std::vector<float> LogMel::compute(std::span<const float> samples) const {
  double sum = 0;
  double squares = 0;
  for (const float sample : samples)
    sum += static_cast<double>(sample);
  const double mean = sum / static_cast<double>(samples.size());
  for (const float sample : samples)
    squares += (static_cast<double>(sample) - mean) * (static_cast<double>(sample) - mean);
  const double scale = 1 / std::sqrt(squares / static_cast<double>(samples.size()) + kVarianceFloor);

  // Frames are centred, so half a window is mirrored on both sides.
  constexpr std::size_t kPad = kWindow / 2;
  std::vector<float> padded(samples.size() + 2 * kPad);
  for (std::size_t i = 0; i < samples.size(); ++i)
    padded[kPad + i] = static_cast<float>((static_cast<double>(samples[i]) - mean) * scale);
  for (std::size_t i = 0; i < kPad; ++i) {
    padded[kPad - 1 - i] = padded[kPad + 1 + i];
    padded[kPad + samples.size() + i] = padded[kPad + samples.size() - 2 - i];
  }

  const std::size_t frames = samples.size() / kHop;
  std::vector<float> mel(kBands * frames);
  const Fft fft(kiss_fftr_alloc(static_cast<int>(kWindow), 0, nullptr, nullptr));
  std::vector<float> windowed(kWindow);
  std::vector<kiss_fft_cpx> spectrum(kBins);
  std::vector<float> power(kBins);
  float highest = -1e30F;
  for (std::size_t frame = 0; frame < frames; ++frame) {
    for (std::size_t i = 0; i < kWindow; ++i)
      windowed[i] = padded[frame * kHop + i] * tables_->window[i];
    kiss_fftr(fft.get(), windowed.data(), spectrum.data());
    for (std::size_t bin = 0; bin < kBins; ++bin)
      power[bin] = spectrum[bin].r * spectrum[bin].r + spectrum[bin].i * spectrum[bin].i;
    for (std::size_t band = 0; band < kBands; ++band) {
      double energy = 0;
      const Band& filter = tables_->bands[band];
      for (std::size_t i = 0; i < filter.weights.size(); ++i)
        energy += static_cast<double>(filter.weights[i] * power[filter.first + i]);
      const auto value = static_cast<float>(std::log10(std::max(energy, kPowerFloor)));
      mel[band * frames + frame] = value;
      highest = std::max(highest, value);
    }
  }
  const float floor = highest - static_cast<float>(kDynamicRange);
  for (float& value : mel)
    value = (std::max(value, floor) + 4.0F) / 4.0F;
  return mel;
}

}  // namespace morgan::engines
