#include "services/openai_audio.h"

#include "base/base64.h"
#include "net/sse.h"
#include "services/fields.h"
#include "services/json_format.h"
#include "services/synthesis.h"
#include "services/transcribe_call.h"
#include "services/transcript_format.h"

#include <memory>
#include <utility>

namespace morgan::services {

namespace {

using net::Method;

std::vector<std::string> speech_types() {
  return {"audio/mpeg", "audio/wav", "audio/ogg", "audio/aac", "audio/flac", "audio/pcm"};
}

// The event needs the counts. Voices here have no tokens: OpenAI's older voices were paid by the character, and so they
// are counted.
OrderedJson speech_usage(const SynthesisCall& call) {
  const std::size_t characters = count_characters(call.request.text);
  return OrderedJson{{"input_tokens", characters}, {"output_tokens", 0}, {"total_tokens", characters}};
}

// stream_format "sse": the same bytes as events, for clients that cannot read a chunked body.
Result<net::Response> speech_events(engines::TtsEngine& tts, SynthesisCall call, const StopToken& stop) {
  auto producer = [&tts, call = std::move(call), stop](const PieceStream::Sink& sink) -> Result<void> {
    const auto as_event = [&sink](std::string bytes) {
      return sink(
          net::sse_event(dump_json(OrderedJson{{"type", "speech.audio.delta"}, {"audio", base64_encode(bytes)}})));
    };
    MORGAN_CHECK_OK(produce_speech(tts, call, stop, as_event));
    sink(net::sse_event(dump_json(OrderedJson{{"type", "speech.audio.done"}, {"usage", speech_usage(call)}})));
    return {};
  };
  return event_stream_response(std::move(producer));
}

Result<net::Response> speak(const net::Request& request, const ServiceContext& context, engines::TtsEngine& tts) {
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(SynthesisCall call, read_synthesis(fields, context, tts, {"input", audio::AudioFormat::kMp3}));
  obey_cache_control(request, call);
  MORGAN_TRY(const std::string stream_format, fields.text_or("stream_format", "audio"));
  if (stream_format == "sse") return speech_events(tts, std::move(call), request.stop);
  if (stream_format != "audio") return field_error("stream_format", "field 'stream_format' must be audio or sse");
  MORGAN_TRY(const std::string instructions, fields.text_or("instructions", ""));
  MORGAN_TRY(net::Response response, speech_stream_response(tts, std::move(call), request.stop));
  if (!instructions.empty())
    response.headers.emplace("Warning", R"(299 morgan "the voices here take no instructions")");
  return response;
}

OrderedJson voices_json(const engines::TtsEngine& tts) {
  OrderedJson voices = OrderedJson::array();
  for (const engines::Voice& voice : tts.voices()) {
    voices.push_back(OrderedJson{{"id", voice.name}, {"name", voice.name}, {"language", voice.language}});
  }
  return OrderedJson{{"voices", std::move(voices)}};
}

/// Events of a transcription, segment by segment as a long file advances. Together the deltas are the text.
Result<net::Response> transcript_events(engines::SttEngine& stt, TranscribeCall call, const StopToken& stop) {
  const auto shared = std::make_shared<TranscribeCall>(std::move(call));  // std::function copies
  auto producer = [shared, &stt, stop](const PieceStream::Sink& sink) -> Result<void> {
    bool any = false;
    const auto tell = [&](const std::string& text) {
      const std::string delta = (std::exchange(any, true) ? " " : "") + text;
      sink(net::sse_event(dump_json(OrderedJson{{"type", "transcript.text.delta"}, {"delta", delta}})));
    };
    shared->request.on_segment = [&tell](const engines::SttSegment& segment) { tell(segment.text); };
    MORGAN_TRY(const engines::Transcript transcript, run_transcribe_call(stt, *shared, stop));
    if (!any && !transcript.text.empty()) tell(transcript.text);
    // No usage: strict clients take it in tokens only, and what is known here are seconds.
    sink(net::sse_event(dump_json(OrderedJson{{"type", "transcript.text.done"}, {"text", transcript.text}})));
    return {};
  };
  return event_stream_response(std::move(producer));
}

Result<net::Response> transcribe(const net::Request& request, const ServiceContext& context, engines::SttEngine& stt,
                                 engines::SttTask task) {
  MORGAN_TRY(const Fields fields, Fields::read_or_audio(request));
  MORGAN_TRY(TranscribeCall call, read_transcribe_call(request, fields, context, stt, task));
  MORGAN_TRY(const bool stream, fields.boolean_or("stream", false));
  if (stream) {
    if (call.format != TranscriptFormat::kJson) {
      return field_error("response_format", "a stream of events is json; leave response_format out");
    }
    return transcript_events(stt, std::move(call), request.stop);
  }
  MORGAN_TRY(const engines::Transcript transcript, run_transcribe_call(stt, call, request.stop));
  if (auto text = text_transcript_response(transcript, call.format)) return std::move(*text);
  if (call.format == TranscriptFormat::kJson) return json_response(to_openai_json(transcript));
  return json_response(to_openai_verbose_json(transcript, task, call.granularity));
}

}  // namespace

void add_openai_speech_routes(ApiRoutes& routes, engines::TtsEngine& tts) {
  const auto context = routes.shared_context();
  add_speaking_route(
      routes, "/v1/audio/speech",
      {.tag = "speech",
       .summary = "Speak a text (OpenAI's form)",
       .description =
           "Streams the audio while it is synthesized. `instructions` is passed over, with a `Warning` header.",
       .json_body = "OpenAiSpeechRequest",
       .other_answers = speech_types(),
       .scope = "tts"},
      [context, &tts](const net::Request& request) { return speak(request, *context, tts); });
  routes.add(Method::kGet, "/v1/audio/voices",
             {.tag = "speech",
              .summary = "Voices, in the form that OpenAI-compatible speech servers use",
              .json_answer = "OpenAiVoices",
              .scope = "tts"},
             [&tts](const net::Request&) -> Result<net::Response> { return json_response(voices_json(tts)); });
}

void add_openai_transcription_routes(ApiRoutes& routes, engines::SttEngine& stt) {
  const auto context = routes.shared_context();
  const auto add = [&](const std::string& path, engines::SttTask task, const std::string& summary) {
    routes.add(
        Method::kPost, path,
        {.tag = "transcription",
         .summary = summary,
         .form_body = "OpenAiTranscriptionForm",
         .json_answer = "OpenAiTranscription",
         .other_answers = {"text/plain", "text/vtt", "application/x-subrip", "text/event-stream"},
         .scope = "stt"},
        [context, &stt, task](const net::Request& request) { return transcribe(request, *context, stt, task); },
        routes.audio_options());
  };
  add("/v1/audio/transcriptions", engines::SttTask::kTranscribe, "Transcribe audio (OpenAI's form)");
  add("/v1/audio/translations", engines::SttTask::kTranslate, "Transcribe audio into English (OpenAI's form)");
}

}  // namespace morgan::services
