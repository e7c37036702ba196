// The stt service, port 8003: speech to text.
#include "net/sse.h"
#include "services/admin.h"
#include "services/audio_input.h"
#include "services/json_format.h"
#include "services/openai_audio.h"
#include "services/openai_models.h"
#include "services/piece_stream.h"
#include "services/service.h"
#include "services/stt_streaming.h"
#include "services/transcribe_call.h"
#include "services/vad_fields.h"

namespace morgan::services {

namespace {

using net::Method;

/// Up to here vad_segments come unasked: they cost 2.4 ms per second of audio.
constexpr double kUnaskedVadSeconds = 30;

struct VadPass {
  bool wanted = false;
  bool filter = false;  ///< the client's own thresholds decide what is transcribed
  engines::SegmenterOptions options;
};

Result<VadPass> read_vad_pass(const Fields& fields, const TranscribeCall& call) {
  VadPass pass;
  const bool custom = names_segmenter_options(fields);
  MORGAN_TRY(pass.options, read_segmenter_options(fields));
  pass.filter = custom && call.request.use_vad;
  const bool asked = custom || fields.has("use_vad") || fields.has("vad_filter");
  pass.wanted = call.request.use_vad && (asked || call.pcm.seconds() <= kUnaskedVadSeconds);
  return pass;
}

// Silences what is outside the segments; times stay as they are.
void keep_only(audio::PcmBuffer& pcm, const std::vector<engines::SpeechSegment>& segments) {
  const auto position = [&](double seconds) {
    const auto sample = static_cast<std::ptrdiff_t>(std::max(0.0, seconds) * pcm.rate_hz);
    return pcm.samples.begin() + std::min(sample, std::ssize(pcm.samples));
  };
  auto quiet_from = pcm.samples.begin();
  for (const auto& segment : segments) {
    const auto begin = std::max(quiet_from, position(segment.start_seconds));
    std::fill(quiet_from, begin, 0.0F);
    quiet_from = std::max(begin, position(segment.end_seconds));
  }
  std::fill(quiet_from, pcm.samples.end(), 0.0F);
}

OrderedJson vad_segments_json(const std::vector<engines::SpeechSegment>& segments) {
  OrderedJson list = OrderedJson::array();
  for (const auto& segment : segments) {
    list.push_back(OrderedJson{{"start", rounded(segment.start_seconds)},
                               {"end", rounded(segment.end_seconds)},
                               {"duration", rounded(segment.end_seconds - segment.start_seconds)},
                               {"speech_detected", true},
                               {"confidence", rounded(segment.confidence)}});
  }
  return list;
}

// A request that was read and checked, so that it can run after its answer has begun.
struct Job {
  TranscribeCall call;
  VadPass pass;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
};

Result<net::Response> run_job(Job& job, engines::SttEngine& stt, engines::VadEngine* vad, const StopToken& stop) {
  TranscribeCall& call = job.call;
  const double duration = call.pcm.seconds();
  std::optional<std::vector<engines::SpeechSegment>> speech;
  if (vad != nullptr && job.pass.wanted) {
    MORGAN_TRY(speech, engines::find_speech(*vad, call.pcm, job.pass.options));
    if (job.pass.filter) keep_only(call.pcm, *speech);
  }
  engines::Transcript transcript;
  if (speech && job.pass.filter && speech->empty()) {
    transcript.duration_seconds = duration;
    transcript.language = call.request.language;
  } else {
    MORGAN_TRY(transcript, run_transcribe_call(stt, call, stop));
  }
  if (auto text = text_transcript_response(transcript, call.format)) return std::move(*text);
  if (call.format == TranscriptFormat::kVerboseJson) {
    return json_response(to_openai_verbose_json(transcript, call.request.task, call.granularity));
  }
  const double total = std::chrono::duration<double>(std::chrono::steady_clock::now() - job.start).count();
  constexpr double kMs = 1000;
  OrderedJson body = to_morgan_json(transcript);
  if (speech) body["vad_segments"] = vad_segments_json(*speech);
  body["metadata"] =
      OrderedJson{{"model", stt.info().model},
                  {"task", call.request.task == engines::SttTask::kTranslate ? "translate" : "transcribe"},
                  {"processing_time", rounded(total)},
                  {"real_time_factor", duration > 0 ? rounded(total / duration) : 0.0}};
  body["timings_ms"] = OrderedJson{{"decode", rounded(call.decode_seconds * kMs)},
                                   {"engine", rounded(transcript.engine_seconds * kMs)},
                                   {"total", rounded(total * kMs)}};
  return json_response(body);
}

// Events: progress {fraction: 0..1} as a long file advances, then done {output: the answer's body}.
Result<net::Response> job_events(std::shared_ptr<Job> job, engines::SttEngine& stt, engines::VadEngine* vad,
                                 const StopToken& stop) {
  auto producer = [job = std::move(job), &stt, vad, stop](const PieceStream::Sink& sink) -> Result<void> {
    job->call.request.on_progress = [&sink](double fraction) {
      sink(net::sse_event(dump_json(OrderedJson{{"fraction", rounded(fraction)}}), "progress"));
    };
    MORGAN_TRY(const net::Response answer, run_job(*job, stt, vad, stop));
    sink(net::sse_event(dump_json(OrderedJson{{"output", answer.body}}), "done"));
    return {};
  };
  return event_stream_response(std::move(producer));
}

Result<net::Response> transcribe(const net::Request& request, const ServiceContext& context, engines::SttEngine& stt,
                                 engines::VadEngine* vad) {
  const auto job = std::make_shared<Job>();
  MORGAN_TRY(const Fields fields, Fields::read_or_audio(request));
  MORGAN_TRY(job->call, read_transcribe_call(request, fields, context, stt, std::nullopt));
  MORGAN_TRY(job->pass, read_vad_pass(fields, job->call));
  if (accepts(request, "text/event-stream")) return job_events(job, stt, vad, request.stop);
  return run_job(*job, stt, vad, request.stop);
}

Result<net::Response> detect_language(const net::Request& request, const ServiceContext& context,
                                      engines::SttEngine& stt) {
  MORGAN_TRY(const Fields fields, Fields::read_or_audio(request));
  MORGAN_TRY(const ReceivedAudio received, read_audio(request, fields, context));
  const audio::PcmBuffer& pcm = received.pcm;
  auto guesses = stt.detect_language(pcm, request.stop);
  if (!guesses) return fail(engine_error(std::move(guesses).error(), "TRANSCRIPTION_ERROR"));
  OrderedJson alternatives = OrderedJson::array();
  for (std::size_t i = 1; i < guesses->size(); ++i) {
    alternatives.push_back(
        OrderedJson{{"language", (*guesses)[i].language}, {"confidence", rounded((*guesses)[i].probability)}});
  }
  const bool any = !guesses->empty();
  return json_response(OrderedJson{{"language", any ? OrderedJson(guesses->front().language) : OrderedJson(nullptr)},
                                   {"confidence", any ? rounded(guesses->front().probability) : 0.0},
                                   {"alternatives", std::move(alternatives)},
                                   {"duration", rounded(pcm.seconds())}});
}

}  // namespace

net::Router stt_routes(const ServiceContext& context, engines::SttEngine& stt, engines::VadEngine* vad) {
  ApiRoutes routes(context);
  const auto shared = routes.shared_context();
  const auto add_transcribe = [&](const std::string& path, const std::string& summary) {
    routes.add(
        Method::kPost, path,
        {.tag = "transcription",
         .summary = summary,
         .description =
             "Multipart with the file as `audio` or `file`, JSON with `audio_data`, or the file as the body. With "
             "`Accept: text/event-stream` the answer comes as events: progress, then done with the answer in `output`.",
         .json_body = "TranscribeRequest",
         .form_body = "TranscribeForm",
         .audio_body = true,
         .json_answer = "Transcription",
         .other_answers = {"text/plain", "text/vtt", "application/x-subrip", "text/event-stream"}},
        [shared, &stt, vad](const net::Request& request) { return transcribe(request, *shared, stt, vad); },
        routes.audio_options());
  };
  add_transcribe("/transcribe", "Transcribe audio");
  add_transcribe("/transcribe/file", "Transcribe an uploaded file");
  routes.add(
      Method::kPost, "/detect-language",
      {.tag = "transcription",
       .summary = "Which language is spoken",
       .json_body = "AudioRequest",
       .form_body = "AudioForm",
       .audio_body = true,
       .json_answer = "LanguageGuess"},
      [shared, &stt](const net::Request& request) { return detect_language(request, *shared, stt); },
      routes.audio_options());
  add_stt_streaming_routes(routes, std::make_shared<SttSessions>(stt, vad), stt, vad);
  const auto models = [&stt] { return std::vector{stt.info()}; };
  add_model_list_route(routes, models);
  add_openai_transcription_routes(routes, stt);
  add_openai_model_routes(routes, models);
  add_admin_routes(routes);
  return std::move(routes).finish();
}

}  // namespace morgan::services
