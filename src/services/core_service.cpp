// The core service, port 8000: conversations, and on one port what clients of OpenAI's API expect.
#include "services/admin.h"
#include "services/audio_input.h"
#include "services/audio_stream_routes.h"
#include "services/conversation_routes.h"
#include "services/fields.h"
#include "services/json_format.h"
#include "services/live_routes.h"
#include "services/mcp_routes.h"
#include "services/memory_routes.h"
#include "services/openai_audio.h"
#include "services/openai_llm.h"
#include "services/openai_models.h"
#include "services/openai_responses.h"
#include "services/realtime_routes.h"
#include "services/service.h"
#include "services/tool_routes.h"
#include "services/turn_answer.h"

namespace morgan::services {

namespace {

using net::Method;

constexpr double kMinSpeed = 0.25;
constexpr double kMaxSpeed = 4.0;

// Options of the answer may stand beside the text or, as the older API has them, inside `metadata`.
class TurnOptions {
 public:
  static Result<TurnOptions> read(const Fields& fields) {
    TurnOptions options(fields);
    MORGAN_TRY(auto metadata, fields.object("metadata"));
    if (metadata) options.metadata_ = std::move(*metadata);
    return options;
  }

  Result<std::string> text_or(std::string_view name, const std::string& fallback) const {
    MORGAN_TRY(auto direct, fields_.text(name));
    if (direct) return std::move(*direct);
    MORGAN_TRY(auto inside, json_string(metadata_, name));
    return inside.value_or(fallback);
  }
  Result<bool> boolean_or(std::string_view name, bool fallback) const {
    MORGAN_TRY(const auto direct, fields_.boolean(name));
    if (direct) return *direct;
    MORGAN_TRY(const auto inside, json_bool(metadata_, name));
    return inside.value_or(fallback);
  }
  Result<double> speed() const {
    MORGAN_TRY(auto value, fields_.number("speed"));
    if (!value) {
      MORGAN_TRY(value, json_number(metadata_, "speed"));
    }
    if (value && (*value < kMinSpeed || *value > kMaxSpeed)) {
      return field_error("speed", "field 'speed' must be from 0.25 to 4");
    }
    return value.value_or(1.0);
  }

 private:
  explicit TurnOptions(const Fields& fields) : fields_(fields) {}
  const Fields& fields_;
  Json metadata_ = Json::object();
};

Result<void> read_speaking(const TurnOptions& options, engines::TtsEngine* tts, bool by_default,
                           dialogue::TurnRequest& turn) {
  MORGAN_TRY(turn.speak, options.boolean_or("generate_audio", by_default));
  MORGAN_TRY(turn.voice, options.text_or("voice", "default"));
  if (turn.voice.empty()) turn.voice = "default";
  MORGAN_TRY(turn.speed, options.speed());
  MORGAN_TRY(const std::string language, options.text_or("language", ""));
  turn.language = language_code(language);
  if (!turn.speak || tts == nullptr || turn.voice == "default") return {};
  // Before the turn, so that nothing is stored of a request that is refused.
  if (auto voice = tts->find_voice(turn.voice); !voice) {
    Error error = std::move(voice).error();
    if (error.code == ErrorCode::kNotFound) error.reason = "VOICE_NOT_FOUND";
    error.param = "voice";
    return fail(std::move(error));
  }
  return {};
}

Result<net::Response> answer_turn(const net::Request& request, const Fields& fields,
                                  dialogue::ConversationService& dialogue, dialogue::TurnRequest turn) {
  MORGAN_TRY(const bool stream, fields.boolean_or("stream", false));
  if (stream || accepts(request, "text/event-stream"))
    return turn_events_response(dialogue, std::move(turn), request.stop);
  return whole_turn_response(dialogue, turn, request.stop);
}

Result<net::Response> text_turn(const net::Request& request, const ServiceContext& context,
                                dialogue::ConversationService& dialogue, engines::TtsEngine* tts) {
  MORGAN_TRY(const Fields fields, Fields::read(request));
  dialogue::TurnRequest turn;
  MORGAN_TRY(turn.text, fields.required_text("text", context.max_text_chars));
  MORGAN_TRY(turn.user_id, read_user_id(request.caller.get(), fields));
  MORGAN_TRY(const TurnOptions options, TurnOptions::read(fields));
  MORGAN_CHECK_OK(read_speaking(options, tts, false, turn));
  return answer_turn(request, fields, dialogue, std::move(turn));
}

Result<net::Response> audio_turn(const net::Request& request, const ServiceContext& context,
                                 dialogue::ConversationService& dialogue, engines::SttEngine* stt,
                                 engines::TtsEngine* tts) {
  if (stt == nullptr) return fail(ErrorCode::kUnavailable, "no speech recognition model is loaded");
  MORGAN_TRY(const Fields fields, Fields::read_or_audio(request));
  dialogue::TurnRequest turn;
  MORGAN_TRY(turn.user_id, read_user_id(request.caller.get(), fields));
  MORGAN_TRY(const TurnOptions options, TurnOptions::read(fields));
  MORGAN_CHECK_OK(read_speaking(options, tts, tts != nullptr, turn));
  MORGAN_TRY(ReceivedAudio received, read_audio(request, fields, context));
  turn.speech = std::move(received.pcm);
  MORGAN_TRY(net::Response response, answer_turn(request, fields, dialogue, std::move(turn)));
  if (!response.stream) return response;
  // The stream runs the turn, so the audio counts until it ends. Shared: a std::function is copied.
  const auto lease = std::make_shared<const audio::SampleLease>(std::move(received.lease));
  response.stream = [lease, write = std::move(response.stream)](net::BodyWriter& out) { return write(out); };
  return response;
}

void add_turn_routes(ApiRoutes& routes, dialogue::ConversationService& dialogue, engines::SttEngine* stt,
                     engines::TtsEngine* tts) {
  const auto context = routes.shared_context();
  routes.add(
      Method::kPost, "/api/text",
      {.tag = "conversation",
       .summary = "Say something in writing",
       .description =
           "`metadata.generate_audio: true` adds the spoken answer. With `Accept: text/event-stream` or `stream: "
           "true` the answer comes as events: text, audio, done.",
       .json_body = "TextTurnRequest",
       .json_answer = "TurnAnswer",
       .other_answers = {"text/event-stream"}},
      [context, &dialogue, tts](const net::Request& request) { return text_turn(request, *context, dialogue, tts); });
  const auto add_audio = [&](const std::string& path, const std::string& summary) {
    routes.add(
        Method::kPost, path,
        {.tag = "conversation",
         .summary = summary,
         .description = "Events as for /api/text, beginning with transcript.",
         .json_body = "AudioTurnRequest",
         .form_body = "AudioTurnForm",
         .audio_body = true,
         .json_answer = "AudioTurnAnswer",
         .other_answers = {"text/event-stream"}},
        [context, &dialogue, stt, tts](const net::Request& request) {
          return audio_turn(request, *context, dialogue, stt, tts);
        },
        routes.audio_options());
  };
  add_audio("/api/audio", "Say something aloud: transcription, answer and spoken answer");
  add_audio("/audio/process", "The same, under its older name");
}

void add_device_route(ApiRoutes& routes) {
  routes.add(
      Method::kGet, "/audio/devices",
      {.tag = "conversation", .summary = "Audio devices of the server: it has none", .json_answer = "Devices"},
      [](const net::Request&) -> Result<net::Response> {
        return json_response(OrderedJson{
            {"devices", OrderedJson::array()},
            {"count", 0},
            {"supported_formats", {"wav", "mp3", "m4a", "ogg", "opus", "webm", "flac", "pcm16"}},
            {"message", "A server has no microphone or loudspeaker of its own; send audio and play what it answers."}});
      });
}

}  // namespace

net::Router core_routes(const ServiceContext& context, const CoreParts& parts) {
  const auto& [dialogue, live, llm, tts, stt, embed, vad, tools, erase_more] = parts;
  ApiRoutes routes(context);
  add_turn_routes(routes, dialogue, stt, tts);
  if (stt != nullptr) add_audio_stream_routes(routes, dialogue, *stt, tts, vad);
  add_live_routes(routes, live);
  add_realtime_routes(routes, live, context.realtime_secrets, context.realtime_calls);
  add_mcp_routes(routes, {stt, tts, &dialogue, nullptr});
  if (tools != nullptr) add_tool_routes(routes, *tools);
  add_conversation_routes(routes, dialogue.store(), dialogue.memories(), erase_more);
  if (dialogue.memories() != nullptr) add_memory_routes(routes, *dialogue.memories());
  add_device_route(routes);
  add_openai_llm_routes(routes, llm, embed);
  add_openai_responses_routes(routes, llm);
  if (tts != nullptr) add_openai_speech_routes(routes, *tts);
  if (stt != nullptr) add_openai_transcription_routes(routes, *stt);
  add_openai_model_routes(routes, [llm = llm, tts = tts, stt = stt, embed = embed] {
    std::vector<engines::EngineInfo> infos;
    if (llm != nullptr) infos.push_back(llm->info());
    if (stt != nullptr) infos.push_back(stt->info());
    if (embed != nullptr) infos.push_back(embed->info());
    if (tts != nullptr) {
      for (auto& info : tts->info())
        infos.push_back(std::move(info));
    }
    return infos;
  });
  add_admin_routes(routes, [&dialogue](OrderedJson& health) {
    health["orchestrator"] = OrderedJson{{"status", "running"}};
    health["conversations"] = OrderedJson{{"store", dialogue.store().description()}};
  });
  return std::move(routes).finish();
}

}  // namespace morgan::services
