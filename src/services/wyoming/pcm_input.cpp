#include "services/wyoming/pcm_input.h"

#include "audio/pcm.h"

#include <utility>

namespace morgan::services {

namespace {

constexpr long long kLeastRate = 1'000;
constexpr long long kMostRate = 384'000;
constexpr long long kMostChannels = 16;
// What StreamResampler takes.
constexpr int kLeastLive = 8'000;
constexpr int kMostLive = 48'000;

Result<int> read_number(const Json& data, std::string_view name, int known, long long least, long long most) {
  MORGAN_TRY(const auto given, json_integer(data, name));
  const long long number = given.value_or(known);
  if (number < least || number > most) {
    return fail({ErrorCode::kInvalidArgument,
                 std::string(name) + " is " + std::to_string(number) + ", expected " + std::to_string(least) + " to " +
                     std::to_string(most),
                 "", std::string(name)});
  }
  return static_cast<int>(number);
}

// One sample, -1..1.
float sample_at(std::string_view bytes, std::size_t at, int width) {
  const auto byte = [&](std::size_t index) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + index]));
  };
  if (width == 1) return (static_cast<float>(byte(0)) - 128.0F) / 128.0F;
  // Into the upper bytes of 32 bits, so that the sign comes right.
  std::uint32_t bits = 0;
  for (int index = 0; index < width; ++index)
    bits |= byte(static_cast<std::size_t>(index)) << (8 * (4 - width + index));
  return static_cast<float>(static_cast<std::int32_t>(bits)) / 2'147'483'648.0F;
}

std::vector<float> mono_of(std::string_view bytes, const PcmShape& shape) {
  const auto width = static_cast<std::size_t>(shape.width);
  const auto channels = static_cast<std::size_t>(shape.channels);
  std::vector<float> samples(bytes.size() / (width * channels));
  for (std::size_t frame = 0; frame < samples.size(); ++frame) {
    float sum = 0;
    for (std::size_t channel = 0; channel < channels; ++channel)
      sum += sample_at(bytes, (frame * channels + channel) * width, shape.width);
    samples[frame] = sum / static_cast<float>(channels);
  }
  return samples;
}

}  // namespace

Result<PcmShape> read_shape(const Json& data, const PcmShape& known) {
  PcmShape shape;
  MORGAN_TRY(shape.rate_hz, read_number(data, "rate", known.rate_hz, kLeastRate, kMostRate));
  MORGAN_TRY(shape.width, read_number(data, "width", known.width, 1, 4));
  MORGAN_TRY(shape.channels, read_number(data, "channels", known.channels, 1, kMostChannels));
  return shape;
}

Result<void> PcmInput::change_shape(const PcmShape& shape, std::vector<float>& out) {
  out = finish();
  if (shape.rate_hz >= kLeastLive && shape.rate_hz <= kMostLive && shape.rate_hz != audio::kSpeechRate) {
    MORGAN_TRY(live_, audio::StreamResampler::create(shape.rate_hz, audio::kSpeechRate));
  } else if (shape.rate_hz != audio::kSpeechRate) {
    MORGAN_TRY(any_, audio::Resampler::create(shape.rate_hz, audio::kSpeechRate));
  }
  shape_ = shape;
  return {};
}

Result<std::vector<float>> PcmInput::push(std::string_view bytes, const PcmShape& shape) {
  std::vector<float> out;
  if (shape_ != shape) MORGAN_CHECK_OK(change_shape(shape, out));
  cut_.append(bytes);
  const std::size_t frame = static_cast<std::size_t>(shape.width) * static_cast<std::size_t>(shape.channels);
  const std::size_t whole = cut_.size() - cut_.size() % frame;
  std::vector<float> samples = mono_of(std::string_view(cut_).substr(0, whole), shape);
  cut_.erase(0, whole);
  if (live_) samples = live_->push(samples);
  if (any_) samples = any_->push(samples);
  if (out.empty()) return samples;
  out.insert(out.end(), samples.begin(), samples.end());
  return out;
}

std::vector<float> PcmInput::finish() {
  std::vector<float> rest;
  if (live_) rest = live_->flush();
  if (any_) rest = any_->finish();
  live_.reset();
  any_.reset();
  shape_.reset();
  cut_.clear();
  return rest;
}

}  // namespace morgan::services
