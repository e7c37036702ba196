#include "audio/stream_resampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace morgan::audio {
namespace {

constexpr int kLowestRate = 8'000;
constexpr int kHighestRate = 48'000;
/// Zero crossings of the sinc on either side: a millisecond at 16 kHz.
constexpr double kCrossings = 17;
/// Shape of the Kaiser window: 70 dB. @source Kaiser 1974, beta = 0.1102 (A - 8.7)
constexpr double kBeta = 6.76;

/// The modified Bessel function of order 0, by its series.
double bessel(double x) {
  double sum = 1;
  double term = 1;
  for (int k = 1; k < 40; ++k) {
    term *= x / (2 * k) * (x / (2 * k));
    sum += term;
  }
  return sum;
}

double sinc(double x) {
  const double angle = std::numbers::pi * x;
  return std::abs(angle) < 1e-9 ? 1 : std::sin(angle) / angle;
}

}  // namespace

Result<StreamResampler> StreamResampler::create(int from_hz, int to_hz) {
  for (const int rate : {from_hz, to_hz}) {
    if (rate < kLowestRate || rate > kHighestRate) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("sample rate {} Hz is outside {}..{} Hz", rate, kLowestRate, kHighestRate));
    }
  }
  const int common = std::gcd(from_hz, to_hz);
  return StreamResampler(static_cast<std::size_t>(to_hz / common), static_cast<std::size_t>(from_hz / common));
}

StreamResampler::StreamResampler(std::size_t up, std::size_t down) : up_(up), down_(down) {
  if (up == down) {
    half_ = 0;
    return;
  }
  // The cut-off in the middle of the transition lies at half of the lower rate.
  const double band = std::min(1.0, static_cast<double>(up) / static_cast<double>(down));
  half_ = static_cast<std::size_t>(std::ceil(kCrossings / band));
  const double width = kCrossings / band;
  filters_.resize(up * 2 * half_);
  for (std::size_t phase = 0; phase < up; ++phase) {
    float* const row = filters_.data() + phase * 2 * half_;
    double sum = 0;
    for (std::size_t tap = 0; tap < 2 * half_; ++tap) {
      // From the output sample to the input sample of this tap, in input samples.
      const double distance = static_cast<double>(tap) - static_cast<double>(half_ - 1) -
                              static_cast<double>(phase) / static_cast<double>(up);
      const double edge = 1 - distance / width * (distance / width);
      const double window = edge > 0 ? bessel(kBeta * std::sqrt(edge)) / bessel(kBeta) : 0;
      row[tap] = static_cast<float>(band * sinc(distance * band) * window);
      sum += row[tap];
    }
    for (std::size_t tap = 0; tap < 2 * half_; ++tap)
      row[tap] /= static_cast<float>(sum);
  }
  pending_.assign(half_ - 1, 0.0F);
}

std::vector<float> StreamResampler::push(std::span<const float> samples) {
  if (half_ == 0) return {samples.begin(), samples.end()};
  pushed_ += samples.size();
  pending_.insert(pending_.end(), samples.begin(), samples.end());
  std::vector<float> out;
  out.reserve(samples.size() * up_ / down_ + 2);
  take_ready(out, static_cast<std::size_t>(-1));
  return out;
}

std::vector<float> StreamResampler::flush() {
  std::vector<float> out;
  if (half_ == 0) return out;
  const std::size_t whole = (pushed_ * up_ + down_ / 2) / down_;
  pending_.insert(pending_.end(), half_ + 1, 0.0F);
  take_ready(out, whole > made_ ? whole - made_ : 0);
  pending_.assign(half_ - 1, 0.0F);
  phase_ = pushed_ = made_ = 0;
  return out;
}

std::size_t StreamResampler::delay_samples() const {
  return (half_ * up_ + down_ - 1) / down_;
}

void StreamResampler::take_ready(std::vector<float>& out, std::size_t most) {
  std::size_t at = 0;
  for (std::size_t count = 0; count < most && at + 2 * half_ <= pending_.size(); ++count) {
    const float* const row = filters_.data() + phase_ * 2 * half_;
    out.push_back(std::inner_product(row, row + 2 * half_, pending_.data() + at, 0.0F));
    ++made_;
    phase_ += down_;
    at += phase_ / up_;
    phase_ %= up_;
  }
  // Downwards an output may lie behind all that is there.
  const std::size_t gone = std::min(at, pending_.size());
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(gone));
}

}  // namespace morgan::audio
