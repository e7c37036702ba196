#include "services/stt_streaming.h"

#include "base/base64.h"
#include "base/strings.h"
#include "services/json_format.h"
#include "services/stt_chunk.h"
#include "services/transcribe_call.h"
#include "services/vad_fields.h"

namespace morgan::services {

namespace {

using net::Method;

constexpr std::uint16_t kWsInternalError = 1011;
constexpr std::uint16_t kWsTryAgainLater = 1013;
constexpr std::uint16_t kWsPolicy = 1008;
/// A realtime chunk that ends in so much silence is the end of what was said.
constexpr double kEndSeconds = 0.3;
constexpr double kMs = 1000;

// The form of /transcribe; the text is one segment, for no times were kept.
OrderedJson final_json(const SttSession& session, const SessionText& text, const engines::SttEngine& stt,
                       double seconds) {
  OrderedJson segments = OrderedJson::array();
  if (!text.text.empty()) {
    segments.push_back(OrderedJson{{"start", 0.0},
                                   {"end", rounded(session.seconds())},
                                   {"text", text.text},
                                   {"confidence", rounded(text.confidence)}});
  }
  OrderedJson body = partial_json(session, text);
  body["is_final"] = true;
  body["segments"] = std::move(segments);
  body["metadata"] = OrderedJson{{"model", stt.info().model}, {"processing_time", rounded(seconds)}};
  return body;
}

struct Streaming {
  std::shared_ptr<SttSessions> sessions;          // shared by all routes
  std::shared_ptr<const ServiceContext> context;  // likewise
  engines::SttEngine& stt;
  engines::VadEngine* vad;
};

Result<net::Response> start(const net::Request& request, const Streaming& streaming) {
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(std::string wanted, fields.text_or("session_id", ""));
  MORGAN_TRY(std::string id, check_session_id(std::move(wanted)));
  MORGAN_TRY(SttSessionOptions options, read_session_options(fields));
  MORGAN_TRY(const auto session, streaming.sessions->open(std::move(id), std::move(options), owner_of(request)));
  return json_response(OrderedJson{{"session_id", session->id()},
                                   {"language", session->options().language},
                                   {"sample_rate", session->options().rate_hz},
                                   {"status", "started"}});
}

Result<net::Response> chunk(const net::Request& request, const Streaming& streaming) {
  MORGAN_TRY(const auto session, streaming.sessions->find(request.params.at("id"), owner_of(request)));
  MORGAN_TRY(const Fields fields, Fields::read_or_audio(request));
  MORGAN_TRY(const int rate, read_chunk_rate(fields));
  MORGAN_TRY(const std::string bytes, read_chunk(request, fields));
  const std::lock_guard lock(session->use());
  MORGAN_CHECK_OK(push_chunk(*session, bytes, rate, streaming.context->max_audio_seconds));
  auto text = session->partial(request.stop);
  if (!text) return fail(engine_error(std::move(text).error(), "TRANSCRIPTION_ERROR"));
  return json_response(partial_json(*session, *text));
}

Result<net::Response> end(const net::Request& request, const Streaming& streaming) {
  const auto begin = std::chrono::steady_clock::now();
  MORGAN_TRY(const auto session, streaming.sessions->find(request.params.at("id"), owner_of(request)));
  MORGAN_TRY(const Fields fields, Fields::read_or_audio(request));
  const std::lock_guard lock(session->use());
  if (fields.has("audio_data") || (fields.body_is_audio() && !request.body.empty())) {
    MORGAN_TRY(const int rate, read_chunk_rate(fields));
    MORGAN_TRY(const std::string bytes, read_chunk(request, fields));
    MORGAN_CHECK_OK(push_chunk(*session, bytes, rate, streaming.context->max_audio_seconds));
  }
  auto text = session->finish(request.stop);
  // The session stays when this fails, so that the client may ask again.
  if (!text) return fail(engine_error(std::move(text).error(), "TRANSCRIPTION_ERROR"));
  (void)streaming.sessions->remove(session->id(), owner_of(request));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return json_response(final_json(*session, *text, streaming.stt, seconds));
}

Result<net::Response> list(const net::Request& request, SttSessions& sessions) {
  OrderedJson all = OrderedJson::array();
  for (const SttSessions::Entry& entry : sessions.list(owner_of(request))) {
    all.push_back(OrderedJson{{"session_id", entry.session->id()},
                              {"language", entry.session->options().language},
                              {"duration", rounded(entry.session->seconds())},
                              {"age_seconds", rounded(entry.age_seconds)},
                              {"idle_seconds", rounded(entry.idle_seconds)}});
  }
  const std::size_t count = all.size();
  return json_response(OrderedJson{{"sessions", std::move(all)}, {"count", count}});
}

Result<net::Response> remove(const net::Request& request, SttSessions& sessions) {
  const std::string& id = request.params.at("id");
  MORGAN_CHECK_OK(sessions.remove(id, owner_of(request)));
  return json_response(OrderedJson{{"status", "deleted"}, {"session_id", id}});
}

// One chunk without a session.
Result<net::Response> realtime(const net::Request& request, const Streaming& streaming) {
  MORGAN_TRY(const Fields fields, Fields::read_or_audio(request));
  MORGAN_TRY(engines::SegmenterOptions options, read_segmenter_options(fields));
  options.pad_ms = 0;  // where speech ends decides whether this is the end
  MORGAN_TRY(TranscribeCall call,
             read_transcribe_call(request, fields, *streaming.context, streaming.stt, std::nullopt));
  call.request.priority = engines::SttPriority::kLive;
  MORGAN_TRY(const engines::Transcript transcript, run_transcribe_call(streaming.stt, call, request.stop));
  std::vector<engines::SpeechSegment> speech;
  if (streaming.vad != nullptr) {
    MORGAN_TRY(speech, engines::find_speech(*streaming.vad, call.pcm, options));
  }
  OrderedJson segments = OrderedJson::array();
  float confidence = 0;
  for (const auto& segment : speech) {
    confidence = std::max(confidence, segment.confidence);
    segments.push_back(OrderedJson{{"start", rounded(segment.start_seconds)}, {"end", rounded(segment.end_seconds)}});
  }
  const bool over = speech.empty() || speech.back().end_seconds <= call.pcm.seconds() - kEndSeconds;
  return json_response(OrderedJson{{"text", transcript.text},
                                   {"confidence", rounded(transcript.confidence)},
                                   {"is_final", over},
                                   {"language", transcript.language},
                                   {"duration", rounded(call.pcm.seconds())},
                                   {"vad_result",
                                    {{"speech_detected", !speech.empty()},
                                     {"confidence", rounded(confidence)},
                                     {"segments", std::move(segments)}}}});
}

// One client of /ws/stream/{id}.
class StreamClient {
 public:
  StreamClient(const net::Request& request, const Streaming& streaming, net::WsPeer& peer)
      : request_(request), owner_(owner_of(request)), streaming_(streaming), peer_(peer) {}

  ~StreamClient() {
    if (session_) (void)streaming_.sessions->remove(session_->id(), owner_);
  }
  StreamClient(const StreamClient&) = delete;
  StreamClient& operator=(const StreamClient&) = delete;

  void run() {
    if (auto joined = join(); !joined) {
      const bool full = joined.error().code == ErrorCode::kOverloaded;
      (void)send_error(joined.error());
      peer_.close(full ? kWsTryAgainLater : kWsPolicy, joined.error().message);
      return;
    }
    while (true) {
      const auto message = peer_.receive();
      if (!message) return;
      auto handled = handle(*message);
      if (handled) {
        if (ended_) return peer_.close(1000, "the transcription has ended");
        continue;
      }
      if (!send_error(handled.error())) return;
      if (handled.error().code != ErrorCode::kInternal) continue;
      peer_.close(kWsInternalError, "the transcription failed");
      return;
    }
  }

 private:
  // A session that was started over HTTP goes on; else a new one begins, with options from the address.
  Result<void> join() {
    MORGAN_TRY(const std::string id, check_session_id(request_.params.at("id")));
    if (auto found = streaming_.sessions->find(id, owner_)) {
      session_ = *found;
      return {};
    }
    MORGAN_TRY(const Fields fields, Fields::read(request_));
    return open(id, fields);
  }

  Result<void> open(const std::string& id, const Fields& fields) {
    MORGAN_TRY(SttSessionOptions options, read_session_options(fields));
    MORGAN_TRY(session_, streaming_.sessions->open(id, std::move(options), owner_));
    return {};
  }

  Result<void> send(const OrderedJson& message) { return peer_.send({false, dump_json(message)}); }

  Result<void> send_error(const Error& error) {
    const std::string code = error.reason.empty() ? "INVALID_INPUT" : error.reason;
    return send(OrderedJson{{"type", "error"}, {"error", code}, {"message", error.message}});
  }

  Result<void> handle(const net::WsMessage& message) {
    // Keeps the session from expiring; gone means deleted by somebody.
    MORGAN_CHECK_OK(streaming_.sessions->find(session_->id(), owner_));
    if (message.binary) return take(message.data, 0);
    net::Request as_request;
    as_request.headers.emplace("Content-Type", "application/json");
    as_request.body = message.data;
    MORGAN_TRY(const Fields fields, Fields::read(as_request));
    MORGAN_TRY(const std::string type, fields.text_or("type", ""));
    if (type == "audio") {
      MORGAN_TRY(const int rate, read_chunk_rate(fields));
      MORGAN_TRY(const std::string bytes, read_chunk(as_request, fields));
      return take(bytes, rate);
    }
    if (type == "start" || type == "config") return configure(fields);
    if (type == "end" || type == "stop") return finish();
    return field_error("type", "message type '" + type + "' is not known; expected audio, config or end");
  }

  Result<void> configure(const Fields& fields) {
    if (session_->seconds() > 0) return field_error("type", "options can be given only before the first audio");
    const std::string id = session_->id();
    MORGAN_CHECK_OK(read_session_options(fields));
    MORGAN_CHECK_OK(streaming_.sessions->remove(id, owner_));
    MORGAN_CHECK_OK(open(id, fields));
    return send(OrderedJson{{"type", "status"}, {"message", "configured"}});
  }

  Result<void> take(std::string_view bytes, int rate_hz) {
    const std::lock_guard lock(session_->use());
    MORGAN_CHECK_OK(push_chunk(*session_, bytes, rate_hz, streaming_.context->max_audio_seconds));
    MORGAN_TRY(const SessionText text, session_->partial(request_.stop));
    if (!text.changed || text.text.empty()) return send(OrderedJson{{"type", "status"}, {"message", "buffering"}});
    return send(OrderedJson{{"type", "transcription"},
                            {"text", text.text},
                            {"confidence", rounded(text.confidence)},
                            {"is_final", false},
                            {"stable", count_characters(text.text.substr(0, text.stable_bytes))}});
  }

  Result<void> finish() {
    const std::lock_guard lock(session_->use());
    MORGAN_TRY(const SessionText text, session_->finish(request_.stop));
    ended_ = true;
    return send(OrderedJson{{"type", "final"},
                            {"text", text.text},
                            {"language", text.language},
                            {"confidence", rounded(text.confidence)},
                            {"is_final", true},
                            {"duration", rounded(session_->seconds())}});
  }

  const net::Request& request_;
  const std::string owner_;
  const Streaming& streaming_;
  net::WsPeer& peer_;
  std::shared_ptr<SttSession> session_;  // shared with the table of sessions
  bool ended_ = false;
};

void add_session_routes(ApiRoutes& routes, const std::shared_ptr<const Streaming>& streaming) {
  const std::string tag = "streaming transcription";
  routes.add(Method::kPost, "/stream/start",
             {.tag = tag,
              .summary = "Begin to transcribe speech while it is being spoken",
              .json_body = "StreamStartRequest",
              .json_answer = "StreamStarted"},
             [streaming](const net::Request& request) { return start(request, *streaming); });
  routes.add(
      Method::kPost, "/stream/{id}/chunk",
      {.tag = tag,
       .summary = "The next piece of audio; answers the text so far",
       .description = "PCM16 mono as base64 or as a body of type audio/pcm, or a small file.",
       .json_body = "StreamChunkRequest",
       .audio_body = true,
       .json_answer = "StreamText"},
      [streaming](const net::Request& request) { return chunk(request, *streaming); }, routes.audio_options());
  routes.add(
      Method::kPost, "/stream/{id}/end",
      {.tag = tag,
       .summary = "The speaker has finished; answers the final text and ends the session",
       .json_body = "StreamEndRequest",
       .audio_body = true,
       .json_answer = "StreamFinal"},
      [streaming](const net::Request& request) { return end(request, *streaming); }, routes.audio_options());
  routes.add(Method::kGet, "/sessions",
             {.tag = tag, .summary = "Streaming sessions under way", .json_answer = "Sessions"},
             [streaming](const net::Request& request) { return list(request, *streaming->sessions); });
  routes.add(Method::kDelete, "/stream/{id}",
             {.tag = tag, .summary = "End a session without its final text", .json_answer = "StreamDeleted"},
             [streaming](const net::Request& request) { return remove(request, *streaming->sessions); });
}

}  // namespace

void add_stt_streaming_routes(ApiRoutes& routes, std::shared_ptr<SttSessions> sessions, engines::SttEngine& stt,
                              engines::VadEngine* vad) {
  const auto streaming =
      std::make_shared<const Streaming>(Streaming{std::move(sessions), routes.shared_context(), stt, vad});
  add_session_routes(routes, streaming);
  for (const char* path : {"/transcribe/realtime", "/transcribe/chunk"}) {
    routes.add(
        Method::kPost, path,
        {.tag = "streaming transcription",
         .summary = "Transcribe one chunk by itself",
         .description = "`is_final` is true when the chunk ends in silence.",
         .json_body = "TranscribeRequest",
         .form_body = "TranscribeForm",
         .audio_body = true,
         .json_answer = "ChunkTranscription"},
        [streaming](const net::Request& request) { return realtime(request, *streaming); }, routes.audio_options());
  }
  routes.add_ws(
      "/ws/stream/{id}",
      {.tag = "streaming transcription",
       .summary = "Live transcription",
       .description =
           "Send PCM16 mono as binary messages, or {type: audio, audio_data: base64}, then {type: end}; before "
           "the first audio {type: config, language, prompt, sample_rate}. Answers {type: transcription, text, "
           "confidence, is_final, stable}, {type: status, message: buffering}, {type: final, text, language, "
           "confidence}, {type: error, message}."},
      [streaming](const net::Request& request, net::WsPeer& peer) { StreamClient(request, *streaming, peer).run(); });
}

}  // namespace morgan::services
