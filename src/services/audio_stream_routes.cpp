#include "services/audio_stream_routes.h"

#include "services/json_format.h"
#include "services/stt_chunk.h"
#include "services/turn_answer.h"

#include <memory>
#include <utility>

namespace morgan::services {

namespace {

using net::Method;

struct Streams {
  Streams(dialogue::ConversationService& conversations, engines::SttEngine& stt, engines::TtsEngine* speech,
          engines::VadEngine* vad, std::shared_ptr<const ServiceContext> service)
      : dialogue(conversations), tts(speech), context(std::move(service)), sessions(stt, vad) {}
  dialogue::ConversationService& dialogue;
  engines::TtsEngine* tts;                        // may be null
  std::shared_ptr<const ServiceContext> context;  // shared with the routes
  SttSessions sessions;
};

/// "auto" in the older API is a language that is detected; a device has no meaning for a server.
Result<net::Response> start(const net::Request& request, Streams& streams) {
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(std::string wanted, fields.text_or("session_id", ""));
  MORGAN_TRY(std::string id, check_session_id(std::move(wanted)));
  MORGAN_TRY(SttSessionOptions options, read_session_options(fields));
  MORGAN_TRY(options.user_id, read_user_id(request.caller.get(), fields));
  MORGAN_TRY(const auto session, streams.sessions.open(std::move(id), std::move(options), owner_of(request)));
  return json_response(OrderedJson{
      {"session_id", session->id()},
      {"websocket_url", (request.secure ? "wss://" : "ws://") + std::string(request.header("Host")) + "/ws/audio"},
      {"status", "started"},
      {"user_id", session->options().user_id},
      {"sample_rate", session->options().rate_hz}});
}

Result<void> take_chunk(const net::Request& request, const Fields& fields, const Streams& streams,
                        SttSession& session) {
  MORGAN_TRY(const int rate, read_chunk_rate(fields));
  MORGAN_TRY(const std::string bytes, read_chunk(request, fields));
  return push_chunk(session, bytes, rate, streams.context->max_audio_seconds);
}

/// By the holder of session.use(): another call may have ended it while this one waited.
Result<void> check_open(const SttSession& session) {
  if (!session.cancelled().stop_requested()) return {};
  return fail(ErrorCode::kNotFound, "the session has ended");
}

Result<net::Response> chunk(const net::Request& request, Streams& streams) {
  MORGAN_TRY(const auto session, streams.sessions.find(request.params.at("id"), owner_of(request)));
  MORGAN_TRY(const Fields fields, Fields::read_or_audio(request));
  const std::lock_guard lock(session->use());
  MORGAN_CHECK_OK(check_open(*session));
  MORGAN_CHECK_OK(take_chunk(request, fields, streams, *session));
  auto text = session->partial(request.stop);
  if (!text) return fail(engine_error(std::move(text).error(), "TRANSCRIPTION_ERROR"));
  return json_response(partial_json(*session, *text));
}

/// The rest of the audio and the whole text; then the session is over.
Result<engines::Transcript> hear_out(const net::Request& request, const Fields& fields, Streams& streams,
                                     SttSession& session) {
  const std::lock_guard lock(session.use());
  MORGAN_CHECK_OK(check_open(session));
  if (fields.has("audio_data") || (fields.body_is_audio() && !request.body.empty())) {
    MORGAN_CHECK_OK(take_chunk(request, fields, streams, session));
  }
  auto text = session.finish(request.stop);
  // The session stays when this fails, so that the client may ask again.
  if (!text) return fail(engine_error(std::move(text).error(), "TRANSCRIPTION_ERROR"));
  static_cast<void>(streams.sessions.remove(session.id(), owner_of(request)));
  engines::Transcript heard;
  heard.text = text->text;
  heard.language = text->language;
  heard.confidence = text->confidence;
  heard.duration_seconds = session.seconds();
  return heard;
}

Result<net::Response> end(const net::Request& request, Streams& streams) {
  MORGAN_TRY(const auto session, streams.sessions.find(request.params.at("id"), owner_of(request)));
  MORGAN_TRY(const Fields fields, Fields::read_or_audio(request));
  dialogue::TurnRequest turn;
  MORGAN_TRY(turn.speak, fields.boolean_or("generate_audio", streams.tts != nullptr));
  turn.user_id = session->options().user_id;
  MORGAN_TRY(turn.heard, hear_out(request, fields, streams, *session));
  return whole_turn_response(streams.dialogue, turn, request.stop);
}

}  // namespace

void add_audio_stream_routes(ApiRoutes& routes, dialogue::ConversationService& dialogue, engines::SttEngine& stt,
                             engines::TtsEngine* tts, engines::VadEngine* vad) {
  // Shared by the three handlers.
  const auto streams = std::make_shared<Streams>(dialogue, stt, tts, vad, routes.shared_context());
  routes.add(Method::kPost, "/audio/stream/start",
             {.tag = "conversation",
              .summary = "Begin a spoken turn that comes in chunks",
              .json_body = "AudioStreamRequest",
              .json_answer = "AudioStream"},
             [streams](const net::Request& request) { return start(request, *streams); });
  routes.add(
      Method::kPost, "/audio/stream/{id}/chunk",
      {.tag = "conversation",
       .summary = "A chunk of it: the text so far",
       .json_body = "StreamChunkRequest",
       .audio_body = true,
       .json_answer = "StreamText"},
      [streams](const net::Request& request) { return chunk(request, *streams); }, routes.audio_options());
  routes.add(
      Method::kPost, "/audio/stream/{id}/end",
      {.tag = "conversation",
       .summary = "It is over: transcription, answer and spoken answer",
       .json_body = "StreamEndRequest",
       .audio_body = true,
       .json_answer = "AudioTurnAnswer"},
      [streams](const net::Request& request) { return end(request, *streams); }, routes.audio_options());
}

}  // namespace morgan::services
