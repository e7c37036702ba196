#include "dialogue/live/echo_guard.h"

#include "audio/pcm.h"

#include <algorithm>
#include <cmath>

namespace morgan::dialogue::live {

namespace {

constexpr std::size_t kHopsPerSecond = 100;
/// Compared: the last 480 ms of the microphone with what was played up to 300 ms before. With 320 ms, another
/// speaker passed for an echo in 15 of 100 moments of recorded speech, with 480 ms in 3.
constexpr std::size_t kWindow = 48;
constexpr std::size_t kLongestLag = 30;
/// Two voices in one room reach 0.5; an echo is above 0.9.
constexpr double kEchoCorrelation = 0.82;
/// Below this there is nothing to follow, dB.
constexpr float kSilence = -65;

}  // namespace

void EchoGuard::Envelope::push(std::span<const float> input, std::size_t hop) {
  if (levels.empty()) levels.assign(kHops, kSilence);
  for (const float sample : input) {
    power += static_cast<double>(sample) * static_cast<double>(sample);
    if (++samples < hop) continue;
    const double mean = power / static_cast<double>(samples);
    levels[next % kHops] = mean > 1e-7 ? std::max(kSilence, static_cast<float>(10 * std::log10(mean))) : kSilence;
    ++next;
    count = std::min(count + 1, kHops);
    power = 0;
    samples = 0;
  }
}

float EchoGuard::Envelope::at(std::size_t ago) const {
  return levels[(next - 1 - ago) % kHops];
}

void EchoGuard::played(std::span<const float> samples, int rate_hz) {
  played_.push(samples, static_cast<std::size_t>(rate_hz) / kHopsPerSecond);
}

void EchoGuard::heard(std::span<const float> samples) {
  heard_.push(samples, audio::kSpeechRate / kHopsPerSecond);
}

void EchoGuard::reset() {
  played_ = {};
  heard_ = {};
}

double EchoGuard::correlation(std::size_t lag) const {
  double mean_played = 0;
  double mean_heard = 0;
  for (std::size_t i = 0; i < kWindow; ++i) {
    mean_played += static_cast<double>(played_.at(i + lag));
    mean_heard += static_cast<double>(heard_.at(i));
  }
  mean_played /= kWindow;
  mean_heard /= kWindow;
  double both = 0;
  double played = 0;
  double heard = 0;
  for (std::size_t i = 0; i < kWindow; ++i) {
    const double p = static_cast<double>(played_.at(i + lag)) - mean_played;
    const double h = static_cast<double>(heard_.at(i)) - mean_heard;
    both += p * h;
    played += p * p;
    heard += h * h;
  }
  constexpr double kFlat = 200;  // dB squared, over the window: a level that does not move proves nothing
  if (played < kFlat || heard < kFlat) return 0;
  return both / std::sqrt(played * heard);
}

bool EchoGuard::is_echo() const {
  if (heard_.count < kWindow || played_.count < kWindow + kLongestLag) return false;
  double best = 0;
  for (std::size_t lag = 0; lag <= kLongestLag; ++lag)
    best = std::max(best, correlation(lag));
  return best >= kEchoCorrelation;
}

}  // namespace morgan::dialogue::live
