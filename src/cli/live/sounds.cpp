#include "cli/live/sounds.h"

#include "audio/pcm.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <random>

namespace morgan::cli {

namespace {

constexpr double kRate = audio::kSpeechRate;

std::size_t samples_of(double seconds) {
  return static_cast<std::size_t>(seconds * kRate);
}

/// White noise, -1..1, through one-pole filters: nothing above `low_pass_hz`, nothing below `high_pass_hz`.
class Noise {
 public:
  Noise(std::uint32_t seed, double high_pass_hz, double low_pass_hz)
      : random_(seed + 1), low_(share(low_pass_hz)), high_(share(high_pass_hz)) {}

  double next() {
    const double white = static_cast<double>(random_()) / static_cast<double>(std::minstd_rand::max()) * 2 - 1;
    smooth_ += low_ * (white - smooth_);
    slow_ += high_ * (smooth_ - slow_);
    return smooth_ - slow_;
  }

 private:
  static double share(double hz) { return 1 - std::exp(-2 * std::numbers::pi * hz / kRate); }
  std::minstd_rand random_;
  double low_;
  double high_;
  double smooth_ = 0;
  double slow_ = 0;
};

void scale_to_peak(std::vector<float>& samples, double peak) {
  float highest = 1e-6F;
  for (const float sample : samples)
    highest = std::max(highest, std::abs(sample));
  for (float& sample : samples)
    sample *= static_cast<float>(peak) / highest;
}

}  // namespace

std::vector<float> noise_burst(std::uint32_t variant) {
  const double seconds = 0.08 + 0.06 * (variant % 5);
  Noise noise(variant, 60, 6000);
  std::vector<float> samples;
  for (std::size_t i = 0; i < samples_of(seconds); ++i)
    samples.push_back(static_cast<float>(noise.next()));
  scale_to_peak(samples, 0.25 + 0.1 * (variant % 4));
  return samples;
}

std::vector<float> cough(std::uint32_t variant) {
  const int parts = 1 + static_cast<int>(variant % 2);
  Noise noise(variant, 250, 2200);
  std::vector<float> samples;
  for (int part = 0; part < parts; ++part) {
    const double seconds = 0.22 + 0.05 * (variant % 3);
    for (std::size_t i = 0; i < samples_of(seconds); ++i) {
      const double t = static_cast<double>(i) / kRate;
      const double envelope = std::min(1.0, t / 0.01) * std::exp(-t / 0.08) + 0.1 * std::exp(-t / 0.25);
      samples.push_back(static_cast<float>(noise.next() * envelope));
    }
    samples.insert(samples.end(), samples_of(0.12), 0.0F);
  }
  scale_to_peak(samples, 0.5);
  return samples;
}

std::vector<float> room_noise(double seconds, std::uint32_t variant) {
  Noise noise(variant, 50, 4000);
  std::vector<float> samples;
  for (std::size_t i = 0; i < samples_of(seconds); ++i)
    samples.push_back(static_cast<float>(0.002 * noise.next()));
  return samples;
}

std::vector<float> fan_noise(double seconds, std::uint32_t variant) {
  Noise noise(variant, 40, 500);
  std::vector<float> samples;
  const double blades_hz = 11.0 + variant % 7;
  for (std::size_t i = 0; i < samples_of(seconds); ++i) {
    const double t = static_cast<double>(i) / kRate;
    const double waver = 1 + 0.3 * std::sin(2 * std::numbers::pi * blades_hz * t);
    samples.push_back(static_cast<float>(noise.next() * waver));
  }
  scale_to_peak(samples, 0.08);
  return samples;
}

std::vector<float> music(double seconds, std::uint32_t variant) {
  constexpr std::array kChords{220.0, 174.61, 261.63, 196.0};
  constexpr double kBeat = 0.6;
  std::vector<float> samples(samples_of(seconds));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double t = static_cast<double>(i) / kRate;
    const auto beat = static_cast<std::size_t>(t / kBeat);
    const double within = t - static_cast<double>(beat) * kBeat;
    const double root = kChords[(beat / 4 + variant) % kChords.size()];
    const double envelope = std::min(1.0, within / 0.02) * std::exp(-within / 0.4);
    double sum = 0;
    for (const double interval : {1.0, 1.26, 1.5, 2.0}) {
      for (int harmonic = 1; harmonic <= 4; ++harmonic)
        sum += std::sin(2 * std::numbers::pi * root * interval * harmonic * t) / (harmonic * harmonic);
    }
    samples[i] = static_cast<float>(sum * envelope);
  }
  scale_to_peak(samples, 0.2);
  return samples;
}

}  // namespace morgan::cli
