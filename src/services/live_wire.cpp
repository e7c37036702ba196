#include "services/live_wire.h"

#include "audio/media_decoder.h"
#include "base/base64.h"
#include "services/fields.h"
#include "services/live_messages.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace morgan::services {

namespace {

constexpr int kLeastRate = 8'000;
constexpr int kMostRate = 48'000;
/// Older clients play each wav by itself: short ones would stutter.
constexpr int kWavMs = 100;

std::string to_pcm16(std::span<const float> samples) {
  std::string bytes;
  bytes.reserve(samples.size() * 2);
  for (const float sample : samples) {
    const auto value = static_cast<std::int16_t>(std::lround(std::clamp(sample, -1.0F, 1.0F) * 32767));
    bytes += static_cast<char>(value & 0xFF);
    bytes += static_cast<char>((value >> 8) & 0xFF);
  }
  return bytes;
}

Result<WireCodec> read_codec(const std::string& name, std::string_view field, std::initializer_list<WireCodec> known) {
  std::string names;
  for (const WireCodec codec : known) {
    if (to_string(codec) == name) return codec;
    names += names.empty() ? "" : ", ";
    names += to_string(codec);
  }
  return field_error(field, "field '" + std::string(field) + "' is '" + name + "', expected one of: " + names);
}

}  // namespace

std::string_view to_string(WireCodec codec) {
  switch (codec) {
    case WireCodec::kPcm16: return "pcm16";
    case WireCodec::kOpus: return "opus";
    case WireCodec::kWav: return "wav";
  }
  return "";
}

Result<void> WireFormat::read(const Json& message) {
  MORGAN_TRY(const auto rate, json_integer(message, "sample_rate"));
  if (rate && (*rate < kLeastRate || *rate > kMostRate)) {
    return field_error("sample_rate", "field 'sample_rate' must be from 8000 to 48000");
  }
  MORGAN_TRY(const auto in, json_string(message, "format"));
  MORGAN_TRY(const auto out, json_string(message, "output_format"));
  WireFormat next = *this;
  if (rate) next.input_rate_hz = static_cast<int>(*rate);
  if (in) {
    MORGAN_TRY(next.input, read_codec(*in, "format", {WireCodec::kPcm16, WireCodec::kOpus}));
  }
  if (out) {
    MORGAN_TRY(next.output, read_codec(*out, "output_format", {WireCodec::kPcm16, WireCodec::kOpus, WireCodec::kWav}));
  }
  *this = next;
  return {};
}

struct WireInput::State {
  WireFormat format;
  std::string rest;  // half a sample
};

WireInput::WireInput(std::unique_ptr<State> state) : state_(std::move(state)) {}
WireInput::WireInput(WireInput&&) noexcept = default;
WireInput& WireInput::operator=(WireInput&&) noexcept = default;
WireInput::~WireInput() = default;

Result<WireInput> WireInput::open(const WireFormat& format) {
  auto state = std::make_unique<State>();
  state->format = format;
  return WireInput(std::move(state));
}

Result<std::vector<float>> WireInput::decode(std::string_view bytes) {
  std::string& rest = state_->rest;
  rest += bytes;
  const std::size_t whole = rest.size() / 2 * 2;
  audio::PcmBuffer pcm = audio::decode_pcm16(std::string_view(rest).substr(0, whole), audio::kSpeechRate);
  rest.erase(0, whole);
  return std::move(pcm.samples);
}

struct WireOutput::State {
  WireFormat format;
  int voice_rate_hz = 0;
  std::vector<float> waiting;  // of a wav
};

WireOutput::WireOutput(std::unique_ptr<State> state) : state_(std::move(state)) {}
WireOutput::WireOutput(WireOutput&&) noexcept = default;
WireOutput& WireOutput::operator=(WireOutput&&) noexcept = default;
WireOutput::~WireOutput() = default;

Result<WireOutput> WireOutput::open(const WireFormat& format, int voice_rate_hz) {
  auto state = std::make_unique<State>();
  state->format = format;
  state->voice_rate_hz = voice_rate_hz;
  return WireOutput(std::move(state));
}

int WireOutput::rate_hz() const {
  return state_->voice_rate_hz;
}

void WireOutput::begin() {
  state_->waiting.clear();
}

std::vector<net::WsMessage> WireOutput::encode(const dialogue::live::AudioOut& audio) {
  std::vector<net::WsMessage> messages;
  const std::vector<float>& samples = audio.chunk.samples;
  if (state_->format.output != WireCodec::kWav) {
    messages.push_back({true, to_pcm16(samples)});
    return messages;
  }
  std::vector<float>& waiting = state_->waiting;
  waiting.insert(waiting.end(), samples.begin(), samples.end());
  if (static_cast<int>(waiting.size()) * 1000 >= kWavMs * state_->voice_rate_hz) {
    messages.push_back({false, dump_json(wire::wav_audio(audio.response, {waiting, state_->voice_rate_hz}))});
    waiting.clear();
  }
  return messages;
}

std::vector<net::WsMessage> WireOutput::finish(std::int64_t response) {
  std::vector<net::WsMessage> messages;
  if (!state_->waiting.empty()) {
    messages.push_back({false, dump_json(wire::wav_audio(response, {state_->waiting, state_->voice_rate_hz}))});
    state_->waiting.clear();
  }
  return messages;
}

std::size_t WireOutput::wire_samples(std::size_t voice_samples) const {
  return voice_samples * static_cast<std::size_t>(rate_hz()) / static_cast<std::size_t>(state_->voice_rate_hz);
}

std::size_t WireOutput::voice_samples(std::size_t wire_samples) const {
  return wire_samples * static_cast<std::size_t>(state_->voice_rate_hz) / static_cast<std::size_t>(rate_hz());
}

}  // namespace morgan::services
