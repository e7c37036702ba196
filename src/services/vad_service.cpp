// The vad service, port 8004: where there is speech, and whether the speaker has finished.
#include "audio/pcm16.h"
#include "base/base64.h"
#include "services/admin.h"
#include "services/audio_input.h"
#include "services/json_format.h"
#include "services/openai_models.h"
#include "services/service.h"
#include "services/vad_fields.h"

namespace morgan::services {

namespace {

using net::Method;

constexpr float kCompleteProbability = 0.5F;
constexpr std::uint16_t kWsInternalError = 1011;

Result<net::Response> detect(const net::Request& request, const ServiceContext& context, engines::VadEngine& vad) {
  const auto start = std::chrono::steady_clock::now();
  MORGAN_TRY(const Fields fields, Fields::read_or_audio(request));
  MORGAN_TRY(const engines::SegmenterOptions options, read_segmenter_options(fields));
  MORGAN_TRY(const ReceivedAudio received, read_audio(request, fields, context));
  const audio::PcmBuffer& pcm = received.pcm;
  MORGAN_TRY(const auto found, engines::find_speech(vad, pcm, options));
  OrderedJson segments = OrderedJson::array();
  double speech_seconds = 0;
  float confidence = 0;
  for (const auto& segment : found) {
    speech_seconds += segment.end_seconds - segment.start_seconds;
    confidence = std::max(confidence, segment.confidence);
    segments.push_back(OrderedJson{{"start", rounded(segment.start_seconds)},
                                   {"end", rounded(segment.end_seconds)},
                                   {"duration", rounded(segment.end_seconds - segment.start_seconds)},
                                   {"confidence", rounded(segment.confidence)}});
  }
  const double total = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return json_response(OrderedJson{{"segments", segments},
                                   {"speech", !found.empty()},
                                   {"speech_segments", std::move(segments)},  // the older API's names
                                   {"speech_detected", !found.empty()},
                                   {"confidence", rounded(confidence)},
                                   {"speech_duration", rounded(speech_seconds)},
                                   {"duration", rounded(pcm.seconds())},
                                   {"metadata", {{"model", vad.info().model}, {"processing_time", rounded(total)}}}});
}

Result<net::Response> judge_turn(const net::Request& request, const ServiceContext& context,
                                 engines::TurnEngine* turn) {
  if (turn == nullptr) return fail(ErrorCode::kUnavailable, "no end-of-turn model is loaded");
  MORGAN_TRY(const Fields fields, Fields::read_or_audio(request));
  MORGAN_TRY(const auto threshold, fields.number("threshold", {0, 1}));
  MORGAN_TRY(const ReceivedAudio received, read_audio(request, fields, context));
  const audio::PcmBuffer& pcm = received.pcm;
  auto probability = turn->probability_complete(pcm);
  if (!probability) return fail(engine_error(std::move(probability).error(), "MODEL_INFERENCE_ERROR"));
  const bool complete = *probability >= threshold.value_or(kCompleteProbability);
  return json_response(OrderedJson{{"probability", rounded(*probability)},
                                   {"complete", complete},
                                   {"duration", rounded(pcm.seconds())},
                                   {"metadata", {{"model", turn->info().model}}}});
}

// One client of /ws/detect: frames in, events out.
class DetectSession {
 public:
  DetectSession(engines::VadEngine& vad, net::WsPeer& peer)
      : peer_(peer), stream_(vad.open()), segmenter_(engines::SegmenterOptions{}) {}

  void run() {
    while (true) {
      auto message = peer_.receive();
      if (!message) return;
      auto handled = message->binary ? push_pcm(message->data) : handle_text(message->data);
      if (handled) continue;
      if (handled.error().code != ErrorCode::kInvalidArgument) {
        peer_.close(kWsInternalError, "voice activity detection failed");
        return;
      }
      if (!send_error(handled.error())) return;
    }
  }

 private:
  Result<void> send(const OrderedJson& message) { return peer_.send({false, dump_json(message)}); }

  Result<void> send_error(const Error& error) {
    const std::string code = error.reason.empty() ? "INVALID_INPUT" : error.reason;
    return send(OrderedJson{{"type", "error"}, {"error", code}, {"message", error.message}});
  }

  Result<void> send_events(const std::vector<engines::SpeechSegmenter::Event>& events) {
    for (const auto& event : events) {
      const bool start = event.kind == engines::SpeechSegmenter::Event::Kind::kStart;
      MORGAN_CHECK_OK(send(OrderedJson{{"type", start ? "speech_start" : "speech_end"},
                                       {"at", rounded(event.at_seconds)},
                                       {"confidence", rounded(event.confidence)}}));
    }
    return {};
  }

  // Frames need not end where messages end, nor samples: what is left waits for the next message.
  Result<void> push_pcm(std::string_view bytes) {
    odd_bytes_ += bytes;
    const std::size_t whole = odd_bytes_.size() / 2 * 2;
    const audio::PcmBuffer pcm = audio::decode_pcm16(std::string_view(odd_bytes_).substr(0, whole), audio::kSpeechRate);
    odd_bytes_.erase(0, whole);
    waiting_.insert(waiting_.end(), pcm.samples.begin(), pcm.samples.end());
    std::size_t used = 0;
    for (; waiting_.size() - used >= engines::VadEngine::kFrameSamples; used += engines::VadEngine::kFrameSamples) {
      MORGAN_TRY(const float probability,
                 stream_->push(std::span(waiting_).subspan(used, engines::VadEngine::kFrameSamples)));
      MORGAN_CHECK_OK(send_events(segmenter_.push(probability)));
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(used));
    return {};
  }

  Result<void> handle_text(const std::string& text) {
    net::Request as_request;
    as_request.headers.emplace("Content-Type", "application/json");
    as_request.body = text;
    MORGAN_TRY(const Fields fields, Fields::read(as_request));
    MORGAN_TRY(const std::string type, fields.text_or("type", ""));
    if (type == "audio") return push_base64(fields);
    if (type == "config" || type == "start") return configure(fields);
    if (type == "end" || type == "stop") return finish();
    return field_error("type", "message type '" + type + "' is not known; expected audio, config or end");
  }

  Result<void> push_base64(const Fields& fields) {
    MORGAN_TRY(const auto encoded, fields.text("audio_data"));
    if (!encoded) return field_error("audio_data", "field 'audio_data' is required");
    MORGAN_TRY(const std::string bytes, base64_decode(*encoded));
    return push_pcm(bytes);
  }

  Result<void> configure(const Fields& fields) {
    MORGAN_TRY(const auto rate, fields.integer("sample_rate"));
    if (rate.value_or(audio::kSpeechRate) != audio::kSpeechRate) {
      return field_error("sample_rate", "field 'sample_rate' must be 16000");
    }
    MORGAN_TRY(options_, read_segmenter_options(fields));
    begin_again();
    return send(OrderedJson{{"type", "status"}, {"message", "configured"}});
  }

  Result<void> finish() {
    MORGAN_CHECK_OK(send_events(segmenter_.finish()));
    begin_again();
    return send(OrderedJson{{"type", "done"}});
  }

  void begin_again() {
    segmenter_ = engines::SpeechSegmenter(options_);
    stream_->reset();
    waiting_.clear();
    odd_bytes_.clear();
  }

  net::WsPeer& peer_;
  std::unique_ptr<engines::VadStream> stream_;
  engines::SegmenterOptions options_;
  engines::SpeechSegmenter segmenter_;
  std::vector<float> waiting_;  // fewer than a frame, between messages
  std::string odd_bytes_;       // half a sample at most, between messages
};

}  // namespace

net::Router vad_routes(const ServiceContext& context, engines::VadEngine& vad, engines::TurnEngine* turn) {
  ApiRoutes routes(context);
  const auto shared = routes.shared_context();
  routes.add(
      Method::kPost, "/detect",
      {.tag = "voice activity",
       .summary = "Where there is speech",
       .json_body = "DetectRequest",
       .form_body = "DetectForm",
       .audio_body = true,
       .json_answer = "Detection"},
      [shared, &vad](const net::Request& request) { return detect(request, *shared, vad); }, routes.audio_options());
  routes.add(
      Method::kPost, "/turn",
      {.tag = "voice activity",
       .summary = "Whether the speaker has finished",
       .description = "The last 8 s of the audio count.",
       .json_body = "AudioRequest",
       .form_body = "AudioForm",
       .audio_body = true,
       .json_answer = "Turn"},
      [shared, turn](const net::Request& request) { return judge_turn(request, *shared, turn); },
      routes.audio_options());
  routes.add_ws(
      "/ws/detect",
      {.tag = "voice activity",
       .summary = "Live detection",
       .description = "Send PCM16 mono 16 kHz as binary messages, or {type: audio, audio_data: base64}; {type: config, "
                      "threshold, ...} and {type: end}. Answers {type: speech_start | speech_end, at, confidence}."},
      [&vad](const net::Request&, net::WsPeer& peer) { DetectSession(vad, peer).run(); });
  const auto models = [&vad, turn] {
    std::vector<engines::EngineInfo> infos{vad.info()};
    if (turn != nullptr) infos.push_back(turn->info());
    return infos;
  };
  add_model_list_route(routes, models);
  add_admin_routes(routes);
  return std::move(routes).finish();
}

}  // namespace morgan::services
