#include "services/synthesis.h"

#include "base/sha256.h"
#include "base/strings.h"
#include "services/json_format.h"
#include "services/ready_answers.h"

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

/// A file and a stream of the same words differ: in their cuts, and in a wav's header.
enum class Form { kFile, kStream };

/// Everything that the bytes depend on; the next number when they come to depend on more.
std::string speech_key(const SynthesisCall& call, Form form) {
  Sha256 hash;
  const char* const kind = form == Form::kFile ? "1 file" : "1 stream";
  for (const std::string& part :
       {std::string(kind), call.voice.backend, call.model, call.voice.name, std::string(audio::to_string(call.format)),
        std::to_string(answer_rate(call)), std::to_string(call.request.speed), call.request.text}) {
    // With its length: no two lists of parts are the same text.
    hash.update(std::to_string(part.size()) + ":" + part);
  }
  return hash.finish();
}

std::optional<std::string> kept_speech(const SynthesisCall& call, Form form) {
  if (call.cache == nullptr || !call.from_cache) return std::nullopt;
  return call.cache->get(speech_key(call, form));
}

void keep_speech(const SynthesisCall& call, Form form, const std::string& bytes) {
  if (call.cache != nullptr) call.cache->put(speech_key(call, form), bytes);
}

net::Response speech_response(const SynthesisCall& call, std::string bytes, const char* cache) {
  net::Response response = net::Response::bytes(std::move(bytes), std::string(audio::content_type(call.format)));
  if (call.cache != nullptr) response.headers.emplace("X-Cache", cache);
  return response;
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
  call.cache = context.speech_cache;
  return call;
}

void add_speaking_route(ApiRoutes& routes, const std::string& path, RouteDoc doc, ApiRoutes::Handler handler) {
  constexpr std::size_t kMostReady = 4'000'000;  // of each address
  net::RouteOptions options;
  const ServiceContext& context = routes.context();
  if (context.speech_cache != nullptr) {
    auto answers = std::make_shared<ReadyAnswers>(kMostReady);
    keep_ready_speech(std::move(answers), context.speech_cache, context.metrics, handler, options);
  }
  routes.add(net::Method::kPost, path, std::move(doc), std::move(handler), std::move(options));
}

void obey_cache_control(const net::Request& request, SynthesisCall& call) {
  const std::string wishes = to_lower_ascii(request.header("Cache-Control"));
  if (wishes.find("no-store") != std::string::npos) call.cache = nullptr;
  if (wishes.find("no-cache") != std::string::npos) call.from_cache = false;
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
  if (auto kept = kept_speech(call, Form::kFile)) return speech_response(call, std::move(*kept), "hit");
  MORGAN_TRY(const audio::PcmBuffer pcm, synthesize_whole(tts, call, stop));
  MORGAN_TRY(std::string file, audio::encode_media(call.format, pcm, call.sample_rate_hz));
  keep_speech(call, Form::kFile, file);
  return speech_response(call, std::move(file), "miss");
}

namespace {

/// Passes a stream's bytes on, and keeps a copy for when it has ended well. Nothing waits for the disk before the end.
class SpeechKeeper {
 public:
  SpeechKeeper(const SynthesisCall& call, const PieceStream::Sink& sink) : call_(call), sink_(sink) {}
  bool push(std::string bytes) {
    wanted_ = wanted_ && copy_.size() + bytes.size() <= stores::SpeechCache::kMostEach;
    if (wanted_) copy_ += bytes;
    return sink_(std::move(bytes));
  }
  void keep() {
    if (wanted_) keep_speech(call_, Form::kStream, copy_);
  }

 private:
  const SynthesisCall& call_;
  const PieceStream::Sink& sink_;
  std::string copy_;
  bool wanted_ = call_.cache != nullptr;
};

}  // namespace

Result<void> produce_speech(engines::TtsEngine& tts, const SynthesisCall& call, const StopToken& stop,
                            const PieceStream::Sink& sink) {
  if (auto kept = kept_speech(call, Form::kStream)) {
    return sink(std::move(*kept)) ? Result<void>() : fail(ErrorCode::kCancelled, "the client has gone");
  }
  MORGAN_TRY(auto encoder, audio::make_encoder(call.format, call.voice.sample_rate_hz, call.sample_rate_hz));
  std::optional<Error> encoding_error;
  bool any = false;
  SpeechKeeper keeper(call, sink);
  const auto encode = [&](std::span<const float> samples) {
    any = any || !samples.empty();
    auto bytes = encoder->push(samples);
    if (!bytes) {
      encoding_error = bytes.error();
      return false;
    }
    return bytes->empty() || keeper.push(std::move(*bytes));
  };
  auto spoken = tts.synthesize(call.request, encode, stop);
  if (encoding_error) return fail(std::move(*encoding_error));
  if (!spoken) return fail(engine_error(std::move(spoken).error(), "AUDIO_SYNTHESIS_ERROR"));
  if (!any) return nothing_to_say();
  MORGAN_TRY(std::string last, encoder->finish());
  if (!last.empty() && !keeper.push(std::move(last))) return fail(ErrorCode::kCancelled, "the client has gone");
  keeper.keep();
  return {};
}

Result<net::Response> speech_stream_response(engines::TtsEngine& tts, SynthesisCall call, const StopToken& stop) {
  const std::string rate = std::to_string(answer_rate(call));
  if (auto kept = kept_speech(call, Form::kStream)) {
    net::Response response = speech_response(call, std::move(*kept), "hit");
    response.headers.emplace("X-Sample-Rate", rate);
    return response;
  }
  call.from_cache = false;  // it was looked for
  const bool caching = call.cache != nullptr;
  const std::string type(audio::content_type(call.format));
  auto producer = [&tts, call = std::move(call), stop](const PieceStream::Sink& sink) {
    return produce_speech(tts, call, stop, sink);
  };
  MORGAN_TRY(net::Response response, stream_response(std::move(producer), type));
  response.headers.emplace("X-Sample-Rate", rate);
  if (caching) response.headers.emplace("X-Cache", "miss");
  return response;
}

}  // namespace morgan::services
