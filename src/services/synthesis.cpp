#include "services/synthesis.h"

#include "base/strings.h"
#include "services/json_format.h"

namespace morgan::services {

namespace {

constexpr double kMinSpeed = 0.25;
constexpr double kMaxSpeed = 4.0;
constexpr int kMinRate = 8'000;
constexpr int kMaxRate = 48'000;
constexpr int kOpusRate = 48'000;
constexpr int kUnknownVoiceRate = 24'000;  // what OpenAI's own voices have

Result<audio::AudioFormat> read_format(const Fields& fields, audio::AudioFormat fallback) {
  const std::string_view name = fields.present({"response_format", "output_format", "format"});
  MORGAN_TRY(auto given, fields.text(name));
  if (!given || given->empty()) return fallback;
  if (const auto format = audio::parse_audio_format(to_lower_ascii(*given))) return *format;
  return fail(Error{ErrorCode::kInvalidArgument,
                    "format '" + *given + "' is not known; expected wav, mp3, opus, aac, flac or pcm",
                    "INVALID_AUDIO_FORMAT", std::string(name)});
}

// "joe", or {"id": "joe"} as newer OpenAI clients send it.
Result<std::string> read_voice_name(const Fields& fields) {
  if (const Json* voice = fields.json("voice"); voice != nullptr && voice->is_object()) {
    MORGAN_TRY(auto id, json_string(*voice, "id"));
    if (!id) return field_error("voice", "field 'voice' has no 'id'");
    return std::move(*id);
  }
  MORGAN_TRY(std::string name, fields.text_or("voice", "default"));
  return name.empty() ? std::string("default") : name;
}

// A wanted language chooses the voice when no voice was named.
Result<engines::Voice> choose_voice(const Fields& fields, engines::TtsEngine& tts) {
  MORGAN_TRY(const std::string name, read_voice_name(fields));
  auto found = tts.find_voice(name);
  if (!found) {
    Error error = std::move(found).error();
    if (error.code == ErrorCode::kNotFound && error.reason.empty()) error.reason = "VOICE_NOT_FOUND";
    error.param = "voice";
    return fail(std::move(error));
  }
  MORGAN_TRY(const std::string wanted, fields.text_or("language", ""));
  const std::string language = language_code(wanted);
  if (language.empty() || name != "default" || language_code(found->language) == language) return found;
  std::vector<std::string> known;
  for (engines::Voice& voice : tts.voices()) {
    if (language_code(voice.language) == language) return std::move(voice);
    if (std::find(known.begin(), known.end(), voice.language) == known.end()) known.push_back(voice.language);
  }
  return fail(Error{ErrorCode::kInvalidArgument, "no voice speaks '" + wanted + "'; languages: " + join(known, ", "),
                    "LANGUAGE_NOT_SUPPORTED", "language"});
}

std::string model_of(const engines::Voice& voice, const std::vector<engines::EngineInfo>& engines) {
  for (const auto& engine : engines) {
    if (engine.backend == voice.backend) return engine.model;
  }
  return engines.empty() ? voice.backend : engines.front().model;
}

Failure nothing_to_say() {
  return field_error("text", "nothing in the text can be spoken");
}

}  // namespace

int answer_rate(const SynthesisCall& call) {
  if (call.format == audio::AudioFormat::kOpus) return kOpusRate;
  return call.sample_rate_hz > 0 ? call.sample_rate_hz : call.voice.sample_rate_hz;
}

Result<SynthesisCall> read_synthesis(const Fields& fields, const ServiceContext& context, engines::TtsEngine& tts,
                                     const SynthesisForm& form) {
  SynthesisCall call;
  MORGAN_TRY(call.request.text, fields.required_text(form.text_field, context.max_text_chars));
  MORGAN_TRY(const auto speed, fields.number("speed", {kMinSpeed, kMaxSpeed}));
  call.request.speed = speed.value_or(1.0);
  MORGAN_TRY(call.format, read_format(fields, form.default_format));
  MORGAN_TRY(const auto rate, fields.integer("sample_rate", {kMinRate, kMaxRate}));
  call.sample_rate_hz = static_cast<int>(rate.value_or(0));
  const std::vector<engines::EngineInfo> engines = tts.info();
  MORGAN_TRY(const std::string model, fields.text_or("model", ""));
  MORGAN_CHECK_OK(check_model(model, engines, {"tts-1", "tts-1-hd", "gpt-4o-mini-tts", "piper", "kokoro"}));
  MORGAN_TRY(call.voice, choose_voice(fields, tts));
  if (call.voice.sample_rate_hz <= 0) call.voice.sample_rate_hz = kUnknownVoiceRate;
  call.request.voice = call.voice.name;
  call.model = model_of(call.voice, engines);
  return call;
}

Result<audio::PcmBuffer> synthesize_whole(engines::TtsEngine& tts, const SynthesisCall& call, const StopToken& stop) {
  engines::TtsRequest request = call.request;
  request.whole = true;
  audio::PcmBuffer pcm;
  pcm.rate_hz = call.voice.sample_rate_hz;
  const auto append = [&pcm](std::span<const float> samples) {
    pcm.samples.insert(pcm.samples.end(), samples.begin(), samples.end());
    return true;
  };
  if (auto spoken = tts.synthesize(request, append, stop); !spoken) {
    return fail(engine_error(std::move(spoken).error(), "AUDIO_SYNTHESIS_ERROR"));
  }
  if (pcm.samples.empty()) return nothing_to_say();
  return pcm;
}

Result<net::Response> speech_file_response(engines::TtsEngine& tts, const SynthesisCall& call, const StopToken& stop) {
  MORGAN_TRY(const audio::PcmBuffer pcm, synthesize_whole(tts, call, stop));
  MORGAN_TRY(std::string file, audio::encode_media(call.format, pcm, call.sample_rate_hz));
  return net::Response::bytes(std::move(file), std::string(audio::content_type(call.format)));
}

Result<void> produce_speech(engines::TtsEngine& tts, const SynthesisCall& call, const StopToken& stop,
                            const PieceStream::Sink& sink) {
  MORGAN_TRY(auto encoder, audio::make_encoder(call.format, call.voice.sample_rate_hz, call.sample_rate_hz));
  std::optional<Error> encoding_error;
  bool any = false;
  const auto encode = [&](std::span<const float> samples) {
    any = any || !samples.empty();
    auto bytes = encoder->push(samples);
    if (!bytes) {
      encoding_error = bytes.error();
      return false;
    }
    return bytes->empty() || sink(std::move(*bytes));
  };
  auto spoken = tts.synthesize(call.request, encode, stop);
  if (encoding_error) return fail(std::move(*encoding_error));
  if (!spoken) return fail(engine_error(std::move(spoken).error(), "AUDIO_SYNTHESIS_ERROR"));
  if (!any) return nothing_to_say();
  MORGAN_TRY(std::string last, encoder->finish());
  if (!last.empty() && !sink(std::move(last))) return fail(ErrorCode::kCancelled, "the client has gone");
  return {};
}

Result<net::Response> speech_stream_response(engines::TtsEngine& tts, SynthesisCall call, const StopToken& stop) {
  const std::string type(audio::content_type(call.format));
  const std::string rate = std::to_string(answer_rate(call));
  auto producer = [&tts, call = std::move(call), stop](const PieceStream::Sink& sink) {
    return produce_speech(tts, call, stop, sink);
  };
  MORGAN_TRY(net::Response response, stream_response(std::move(producer), type));
  response.headers.emplace("X-Sample-Rate", rate);
  return response;
}

}  // namespace morgan::services
