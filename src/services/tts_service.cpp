// The tts service, port 8002: text to speech.
#include "base/base64.h"
#include "services/admin.h"
#include "services/json_format.h"
#include "services/openai_audio.h"
#include "services/openai_models.h"
#include "services/service.h"
#include "services/synthesis.h"

namespace morgan::services {

namespace {

using net::Method;

OrderedJson voice_json(const engines::Voice& voice) {
  return OrderedJson{{"name", voice.name},
                     {"language", voice.language},
                     {"gender", voice.gender},
                     {"sample_rate", voice.sample_rate_hz},
                     {"description", voice.description},
                     {"backend", voice.backend}};
}

Result<net::Response> speech_json(engines::TtsEngine& tts, const SynthesisCall& call, const StopToken& stop) {
  const auto start = std::chrono::steady_clock::now();
  MORGAN_TRY(const audio::PcmBuffer pcm, synthesize_whole(tts, call, stop));
  MORGAN_TRY(const std::string file, audio::encode_media(call.format, pcm, call.sample_rate_hz));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return json_response(OrderedJson{{"audio_data", base64_encode(file)},
                                   {"format", audio::to_string(call.format)},
                                   {"sample_rate", answer_rate(call)},
                                   {"duration", rounded(pcm.seconds())},
                                   {"metadata",
                                    {{"model", call.model},
                                     {"voice", call.voice.name},
                                     {"language", call.voice.language},
                                     {"speed", call.request.speed},
                                     {"processing_time", rounded(seconds)},
                                     {"real_time_factor", rounded(seconds / pcm.seconds())}}}});
}

enum class Answer { kBytes, kJson };

// The routes differ in what they answer when the client does not say.
struct Defaults {
  Answer answer = Answer::kBytes;
  bool stream = false;
};

Result<net::Response> synthesize(const net::Request& request, const ServiceContext& context, engines::TtsEngine& tts,
                                 Defaults defaults) {
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(SynthesisCall call, read_synthesis(fields, context, tts, {}));
  obey_cache_control(request, call);
  MORGAN_TRY(const auto stream, fields.boolean("stream"));
  const bool json = defaults.answer == Answer::kJson ? !stream.value_or(false) && !accepts(request, "audio/")
                                                     : accepts(request, "application/json");
  if (json) return speech_json(tts, call, request.stop);
  if (stream.value_or(defaults.stream)) return speech_stream_response(tts, std::move(call), request.stop);
  return speech_file_response(tts, call, request.stop);
}

std::vector<std::string> audio_types() {
  return {"audio/wav", "audio/mpeg", "audio/ogg", "audio/aac", "audio/flac", "audio/pcm"};
}

void add_synthesis_routes(ApiRoutes& routes, engines::TtsEngine& tts) {
  const auto context = routes.shared_context();
  const auto add = [&](const std::string& path, Defaults defaults, RouteDoc doc) {
    doc.tag = "speech";
    doc.json_body = "SynthesizeRequest";
    doc.json_answer = "SpeechResult";
    doc.other_answers = audio_types();
    add_speaking_route(routes, path, std::move(doc), [context, &tts, defaults](const net::Request& request) {
      return synthesize(request, *context, tts, defaults);
    });
  };
  add("/synthesize", {Answer::kBytes, true},
      {.tag = "",
       .summary = "Speak a text",
       .description =
           "Audio bytes, streamed while they are synthesized; `stream: false` sends the finished file with its "
           "length, `Accept: application/json` the base64 form."});
  add("/generate", {Answer::kJson, false},
      {.tag = "",
       .summary = "Speak a text, base64 in JSON",
       .description = "`stream: true` sends audio bytes instead."});
  add("/generate/audio", {Answer::kBytes, false},
      {.tag = "",
       .summary = "Speak a text, a finished audio file",
       .description = "`stream: true` sends it as it is synthesized."});
}

void add_voice_routes(ApiRoutes& routes, engines::TtsEngine& tts) {
  routes.add(Method::kGet, "/voices", {.tag = "speech", .summary = "All voices", .json_answer = "VoiceList"},
             [&tts](const net::Request&) -> Result<net::Response> {
               OrderedJson voices = OrderedJson::array();
               for (const engines::Voice& voice : tts.voices())
                 voices.push_back(voice_json(voice));
               const std::size_t count = voices.size();
               OrderedJson body{{"voices", std::move(voices)}, {"count", count}};
               const auto current = tts.find_voice("default");
               body["current_voice"] = current ? OrderedJson(current->name) : OrderedJson(nullptr);
               return json_response(body);
             });
  routes.add(Method::kGet, "/voices/{name}", {.tag = "speech", .summary = "One voice", .json_answer = "Voice"},
             [&tts](const net::Request& request) -> Result<net::Response> {
               auto voice = tts.find_voice(request.params.at("name"));
               if (voice) return json_response(voice_json(*voice));
               Error error = std::move(voice).error();
               if (error.code == ErrorCode::kNotFound) error.reason = "VOICE_NOT_FOUND";
               error.param = "name";
               return fail(std::move(error));
             });
}

}  // namespace

net::Router tts_routes(const ServiceContext& context, engines::TtsEngine& tts) {
  ApiRoutes routes(context);
  add_synthesis_routes(routes, tts);
  add_voice_routes(routes, tts);
  const auto models = [&tts] { return tts.info(); };
  add_model_list_route(routes, models);
  add_openai_speech_routes(routes, tts);
  add_openai_model_routes(routes, models);
  add_admin_routes(routes);
  return std::move(routes).finish();
}

}  // namespace morgan::services
