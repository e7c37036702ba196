#include "services/live_wire.h"

#include "audio/g711.h"
#include "audio/opus_stream.h"
#include "audio/pcm16.h"
#include "audio/stream_resampler.h"
#include "base/log.h"
#include "services/fields.h"
#include "services/live_messages.h"

#include <algorithm>
#include <optional>

namespace morgan::services {

namespace {

constexpr int kLeastRate = 8'000;
constexpr int kMostRate = 48'000;
/// For voices whose rate Opus does not know.
constexpr int kOpusRate = 24'000;
/// Older clients play each wav by itself: short ones would stutter.
constexpr int kWavMs = 100;

bool is_telephone(WireCodec codec) {
  return codec == WireCodec::kMuLaw || codec == WireCodec::kALaw;
}

audio::G711Law law_of(WireCodec codec) {
  return codec == WireCodec::kMuLaw ? audio::G711Law::kMu : audio::G711Law::kA;
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
    case WireCodec::kPcm16:
      return "pcm16";
    case WireCodec::kOpus:
      return "opus";
    case WireCodec::kWav:
      return "wav";
    case WireCodec::kMuLaw:
      return "g711_ulaw";
    case WireCodec::kALaw:
      return "g711_alaw";
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
  std::string rest;                                 // half a sample
  std::unique_ptr<audio::OpusStreamDecoder> opus;   // null: PCM16
  std::optional<audio::StreamResampler> resampler;  // nullopt: the rate is right
};

WireInput::WireInput(std::unique_ptr<State> state) : state_(std::move(state)) {}
WireInput::WireInput(WireInput&&) noexcept = default;
WireInput& WireInput::operator=(WireInput&&) noexcept = default;
WireInput::~WireInput() = default;

Result<WireInput> WireInput::open(const WireFormat& format) {
  auto state = std::make_unique<State>();
  state->format = format;
  if (format.input == WireCodec::kOpus) {
    // Opus decodes to whatever rate is asked for, whichever it was made at.
    MORGAN_TRY(state->opus, audio::OpusStreamDecoder::create(audio::kSpeechRate));
  } else if (format.input_rate_hz != audio::kSpeechRate) {
    MORGAN_TRY(state->resampler, audio::StreamResampler::create(format.input_rate_hz, audio::kSpeechRate));
  }
  return WireInput(std::move(state));
}

Result<std::vector<float>> WireInput::decode(std::string_view bytes) {
  if (state_->opus) return state_->opus->decode(bytes);
  if (is_telephone(state_->format.input)) {
    const std::vector<float> samples = audio::decode_g711(bytes, law_of(state_->format.input));
    return state_->resampler ? state_->resampler->push(samples) : samples;
  }
  std::string& rest = state_->rest;
  rest += bytes;
  const std::size_t whole = rest.size() / 2 * 2;
  audio::PcmBuffer pcm = audio::decode_pcm16(std::string_view(rest).substr(0, whole), state_->format.input_rate_hz);
  rest.erase(0, whole);
  if (state_->resampler) return state_->resampler->push(pcm.samples);
  return std::move(pcm.samples);
}

std::vector<float> WireInput::conceal() {
  if (!state_->opus) return {};
  auto guessed = state_->opus->conceal();
  return guessed ? std::move(*guessed) : std::vector<float>();
}

struct WireOutput::State {
  WireFormat format;
  int voice_rate_hz = 0;
  int wire_rate_hz = 0;
  std::vector<float> waiting;                       // of a wav
  std::unique_ptr<audio::OpusStreamEncoder> opus;   // null: no Opus
  std::optional<audio::StreamResampler> resampler;  // nullopt: the rate is right

  Result<void> prepare();
  /// In a form without a memory.
  std::string plain(std::span<const float> samples) const {
    return is_telephone(format.output) ? audio::encode_g711(samples, law_of(format.output))
                                       : audio::encode_pcm16(samples);
  }
  std::vector<net::WsMessage> packets(Result<std::vector<std::string>> packets) const;
};

Result<void> WireOutput::State::prepare() {
  waiting.clear();
  opus.reset();
  resampler.reset();
  wire_rate_hz = voice_rate_hz;
  if (format.output == WireCodec::kOpus) {
    if (!audio::is_opus_rate(voice_rate_hz)) wire_rate_hz = kOpusRate;
    MORGAN_TRY(opus, audio::OpusStreamEncoder::create(wire_rate_hz));
  } else if (format.output_rate_hz > 0 && format.output != WireCodec::kWav) {
    wire_rate_hz = format.output_rate_hz;
  }
  if (wire_rate_hz != voice_rate_hz) {
    MORGAN_TRY(resampler, audio::StreamResampler::create(voice_rate_hz, wire_rate_hz));
  }
  return {};
}

std::vector<net::WsMessage> WireOutput::State::packets(Result<std::vector<std::string>> packets) const {
  std::vector<net::WsMessage> messages;
  if (!packets) {
    log::error("core", "a voice could not be encoded", {{"why", packets.error().message}});
    return messages;
  }
  for (std::string& packet : *packets)
    messages.push_back({true, std::move(packet)});
  return messages;
}

WireOutput::WireOutput(std::unique_ptr<State> state) : state_(std::move(state)) {}
WireOutput::WireOutput(WireOutput&&) noexcept = default;
WireOutput& WireOutput::operator=(WireOutput&&) noexcept = default;
WireOutput::~WireOutput() = default;

Result<WireOutput> WireOutput::open(const WireFormat& format, int voice_rate_hz) {
  auto state = std::make_unique<State>();
  state->format = format;
  state->voice_rate_hz = voice_rate_hz;
  MORGAN_CHECK_OK(state->prepare());
  return WireOutput(std::move(state));
}

int WireOutput::rate_hz() const {
  return state_->wire_rate_hz;
}

void WireOutput::begin() {
  // A codec's memory of the answer before would be heard; what could be opened once can be opened again.
  static_cast<void>(state_->prepare().has_value());
}

std::vector<net::WsMessage> WireOutput::encode(const dialogue::live::AudioOut& audio) {
  std::vector<net::WsMessage> messages;
  const std::vector<float>& samples = audio.chunk.samples;
  if (state_->opus) {
    return state_->packets(state_->opus->push(state_->resampler ? state_->resampler->push(samples) : samples));
  }
  if (state_->format.output != WireCodec::kWav) {
    messages.push_back({true, state_->plain(state_->resampler ? state_->resampler->push(samples) : samples)});
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
  if (state_->opus) {
    if (state_->resampler) messages = state_->packets(state_->opus->push(state_->resampler->flush()));
    for (net::WsMessage& message : state_->packets(state_->opus->flush()))
      messages.push_back(std::move(message));
    return messages;
  }
  if (state_->resampler) messages.push_back({true, state_->plain(state_->resampler->flush())});
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
