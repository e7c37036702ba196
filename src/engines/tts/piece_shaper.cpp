#include "engines/tts/piece_shaper.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace morgan::engines {

namespace {

constexpr double kFrameSeconds = 0.005;
constexpr double kHeadSeconds = 0.010;  // kept before the first sound, so that soft onsets are whole
constexpr double kFadeInSeconds = 0.003;
constexpr double kFadeOutSeconds = 0.010;
constexpr float kSoundRelative = 0.012F;  // a frame's level against the loudest frame's: -38 dB
constexpr float kSoundFloor = 0.0008F;    // below this no frame is speech
constexpr float kLimitFrom = 0.80F;
constexpr float kCeiling = 0.98F;

std::size_t samples_in(double seconds, int rate_hz) {
  return static_cast<std::size_t>(std::lround(seconds * rate_hz));
}

float mean_of(std::span<const float> samples) {
  double sum = 0;
  for (const float sample : samples)
    sum += sample;
  return static_cast<float>(sum / static_cast<double>(samples.size()));
}

struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// From the first to behind the last frame with speech.
Range sounding_range(std::span<const float> raw, float mean, std::size_t frame) {
  std::vector<float> levels;
  for (std::size_t at = 0; at < raw.size(); at += frame) {
    const std::size_t size = std::min(frame, raw.size() - at);
    double sum = 0;
    for (const float sample : raw.subspan(at, size))
      sum += static_cast<double>(sample - mean) * (sample - mean);
    levels.push_back(static_cast<float>(std::sqrt(sum / static_cast<double>(size))));
  }
  const float threshold = std::max(kSoundFloor, *std::max_element(levels.begin(), levels.end()) * kSoundRelative);
  const auto sounds = [threshold](float level) { return level >= threshold; };
  const auto first = std::find_if(levels.begin(), levels.end(), sounds);
  if (first == levels.end()) return {};
  const auto last = std::find_if(levels.rbegin(), levels.rend(), sounds).base();
  return {static_cast<std::size_t>(first - levels.begin()) * frame,
          std::min(static_cast<std::size_t>(last - levels.begin()) * frame, raw.size())};
}

/// Straight up to kLimitFrom, then bent so that it nears the ceiling without a corner.
float limited(float sample) {
  const float size = std::abs(sample);
  if (size <= kLimitFrom) return sample;
  constexpr float kRoom = kCeiling - kLimitFrom;
  return std::copysign(kLimitFrom + kRoom * std::tanh((size - kLimitFrom) / kRoom), sample);
}

/// The factor that brings a piece nearer to the level it should have.
float levelling(std::span<const float> sound, const ShapeOptions& options) {
  constexpr double kShare = 0.75;
  constexpr double kMostDb = 4;
  if (!options.level_db) return 1;
  const double level = loudness_db(sound, options.rate_hz) + 20 * std::log10(static_cast<double>(options.gain));
  const double change = std::clamp(kShare * (*options.level_db - level), -kMostDb, kMostDb);
  return static_cast<float>(std::pow(10, change / 20));
}

/// Half a cosine: no corner at either end of the fade.
float fade(std::size_t step, std::size_t steps) {
  return 0.5F - 0.5F * std::cos(std::numbers::pi_v<float> * static_cast<float>(step) / static_cast<float>(steps));
}

}  // namespace

double loudness_db(std::span<const float> samples, int rate_hz) {
  constexpr double kVowels = 1.0 / 16;  // -12 dB
  const std::size_t frame = samples_in(0.020, rate_hz);
  std::vector<double> powers;
  for (std::size_t at = 0; at + frame <= samples.size(); at += frame) {
    double sum = 0;
    for (const float sample : samples.subspan(at, frame))
      sum += static_cast<double>(sample) * sample;
    powers.push_back(sum / static_cast<double>(frame));
  }
  if (powers.empty()) return -100;
  const double least = *std::max_element(powers.begin(), powers.end()) * kVowels;
  double sum = 0;
  std::size_t count = 0;
  for (const double power : powers) {
    if (power < least) continue;
    sum += power;
    ++count;
  }
  return 10 * std::log10(sum / static_cast<double>(count) + 1e-10);
}

double pause_seconds(PieceEnd end, double speed) {
  double pause = 0.22;
  if (end == PieceEnd::kClause) pause = 0.09;
  if (end == PieceEnd::kPhrase) pause = 0.03;
  // Below normal speed pauses grow less than words do: half a second of nothing sounds like an end.
  return pause / std::clamp(speed, 0.6, 4.0);
}

ShapedPiece shape_piece(std::span<const float> raw, const ShapeOptions& options) {
  if (raw.empty()) return {};
  const bool whole = options.opens && options.closes;
  // The parts of a piece must not differ in what is taken off; what there is, is inaudible.
  const float mean = whole ? mean_of(raw) : 0.0F;
  Range sound = sounding_range(raw, mean, std::max<std::size_t>(1, samples_in(kFrameSeconds, options.rate_hz)));
  if (whole && sound.end == 0) return {};
  if (!options.opens) sound.begin = 0;
  if (!options.closes) sound.end = raw.size();
  const std::size_t head = std::min(sound.begin, samples_in(kHeadSeconds, options.rate_hz));
  const std::size_t pause = options.closes ? samples_in(pause_seconds(options.end, options.speed), options.rate_hz) : 0;
  const std::size_t tail = std::min(raw.size() - sound.end, pause);

  // The model's own silence first, as long as it lasts, then nothing: the room tone fades instead of stopping.
  std::vector<float> piece(head + (sound.end - sound.begin) + pause, 0.0F);
  const std::span<const float> kept = raw.subspan(sound.begin - head, head + (sound.end - sound.begin) + tail);
  const float gain = options.gain * (whole ? levelling(kept, options) : 1.0F);
  for (std::size_t i = 0; i < kept.size(); ++i)
    piece[i] = limited((kept[i] - mean) * gain);

  const auto fade_samples = [&](bool wanted, double seconds) {
    return wanted ? std::min(samples_in(seconds, options.rate_hz), kept.size()) : 0;
  };
  const std::size_t fade_in = fade_samples(options.opens, kFadeInSeconds);
  for (std::size_t i = 0; i < fade_in; ++i)
    piece[i] *= fade(i, fade_in);
  const std::size_t fade_out = fade_samples(options.closes, kFadeOutSeconds);
  for (std::size_t i = 0; i < fade_out; ++i)
    piece[kept.size() - 1 - i] *= fade(i, fade_out);
  return {std::move(piece), sound.begin - head, head, head + (sound.end - sound.begin)};
}

}  // namespace morgan::engines
