#include "cli/live/voiced.h"

#include <algorithm>
#include <cmath>

namespace morgan::cli {

namespace {

constexpr double kLeastDb = -120;
constexpr double kQuietBelowPeakDb = 18;
constexpr std::size_t kQuietHops = 4;
constexpr double kFromEnds = 0.6;  // seconds

std::size_t hop_samples(int rate_hz) {
  return static_cast<std::size_t>(rate_hz) * kHopMs / 1000;
}

}  // namespace

std::vector<double> hop_levels_db(audio::PcmView pcm) {
  const std::size_t hop = hop_samples(pcm.rate_hz);
  std::vector<double> levels;
  for (std::size_t at = 0; at < pcm.samples.size(); at += hop) {
    const std::size_t end = std::min(at + hop, pcm.samples.size());
    double sum = 0;
    for (std::size_t i = at; i < end; ++i)
      sum += static_cast<double>(pcm.samples[i]) * static_cast<double>(pcm.samples[i]);
    levels.push_back(std::max(kLeastDb, 10 * std::log10(sum / static_cast<double>(end - at) + 1e-12)));
  }
  return levels;
}

std::optional<VoicedSpan> find_voiced(audio::PcmView pcm) {
  const std::vector<double> levels = hop_levels_db(pcm);
  if (levels.empty()) return std::nullopt;
  const double limit = std::max(*std::max_element(levels.begin(), levels.end()) - kBelowPeakDb, kVoicedFloorDb);
  const auto voiced = [limit](double level) { return level >= limit; };
  const auto first = std::find_if(levels.begin(), levels.end(), voiced);
  if (first == levels.end()) return std::nullopt;
  const auto last = std::find_if(levels.rbegin(), levels.rend(), voiced);
  const std::size_t hop = hop_samples(pcm.rate_hz);
  const auto behind = static_cast<std::size_t>(levels.rend() - last);
  return VoicedSpan{static_cast<std::size_t>(first - levels.begin()) * hop, std::min(behind * hop, pcm.samples.size())};
}

std::vector<QuietPlace> find_quiet_places(audio::PcmView pcm, double apart_seconds) {
  const auto voiced = find_voiced(pcm);
  if (!voiced) return {};
  const std::vector<double> levels = hop_levels_db(pcm);
  const double limit = *std::max_element(levels.begin(), levels.end()) - kQuietBelowPeakDb;
  const std::size_t hop = hop_samples(pcm.rate_hz);
  const auto margin = static_cast<std::size_t>(kFromEnds * 1000 / kHopMs);
  const std::size_t from = voiced->first / hop + margin;
  const std::size_t until = voiced->end / hop > margin ? voiced->end / hop - margin : 0;
  std::vector<QuietPlace> places;
  for (std::size_t i = from; i < until;) {
    std::size_t end = i;
    double sum = 0;
    while (end < until && levels[end] < limit)
      sum += levels[end++];
    const std::size_t length = end - i;
    if (length >= kQuietHops) places.push_back({i * hop, end * hop, sum / static_cast<double>(length)});
    i = end + 1;
  }
  std::sort(places.begin(), places.end(), [](const auto& a, const auto& b) { return a.level_db < b.level_db; });
  const auto apart = static_cast<std::size_t>(apart_seconds * pcm.rate_hz);
  std::vector<QuietPlace> chosen;
  for (const QuietPlace& place : places) {
    const bool near = std::any_of(chosen.begin(), chosen.end(), [&](const QuietPlace& other) {
      return std::max(place.middle(), other.middle()) - std::min(place.middle(), other.middle()) < apart;
    });
    if (!near) chosen.push_back(place);
  }
  std::sort(chosen.begin(), chosen.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return chosen;
}

}  // namespace morgan::cli
