#include "services/wyoming/wyoming_requests.h"

#include "base/ids.h"
#include "services/wyoming/asr_request.h"
#include "services/wyoming/handle_request.h"
#include "services/wyoming/pipeline_request.h"
#include "services/wyoming/vad_request.h"
#include "services/wyoming/wake_request.h"
#include "services/wyoming/wyoming_info.h"

#include <map>

namespace morgan::services {

namespace {

constexpr const char* kNoWakeWords = "wake words (run: morgan models pull open-wake-word, and start again)";

Failure not_here(const char* what) {
  return fail(ErrorCode::kUnavailable, std::string("not available here: ") + what);
}

}  // namespace

WyomingRequests::WyomingRequests(const WyomingParts& parts, const WyomingOutlet& out)
    : parts_(parts), out_(out), conversation_(random_id("wy_")) {}

WyomingRequests::~WyomingRequests() = default;

WyomingRequests::Handler WyomingRequests::handler_of(const std::string& type) {
  using This = WyomingRequests;
  static const std::map<std::string, Handler> kHandlers{
      {"select-program", &This::select_program},
      {"transcribe", &This::transcribe},
      {"detect", &This::detect},
      {"audio-start", &This::audio_start},
      {"audio-chunk", &This::audio_chunk},
      {"audio-stop", &This::audio_stop},
      {"synthesize", &This::synthesize},
      {"synthesize-start", &This::synthesize_start},
      {"synthesize-chunk", &This::synthesize_chunk},
      {"synthesize-stop", &This::synthesize_stop},
      {"transcript", &This::transcript},
      {"recognize", &This::recognize},
      {"run-pipeline", &This::run_pipeline},
  };
  const auto found = kHandlers.find(type);
  return found == kHandlers.end() ? nullptr : found->second;
}

void WyomingRequests::handle(const WyomingEvent& event) {
  const Handler handler = handler_of(event.type);
  if (handler == nullptr) return;
  const Result<void> done = (this->*handler)(event);
  if (parts_.metrics != nullptr && event.type != "audio-chunk") {
    parts_.metrics->count("morgan_wyoming_events_total",
                          {{"type", event.type}, {"outcome", done ? "ok" : std::string(to_string(done.error().code))}});
  }
  if (done) return;
  // Nobody reads an error of what was cancelled because nobody reads.
  if (done.error().code != ErrorCode::kCancelled) out_.send_error(done.error());
  const bool audio = event.type.starts_with("audio-") || event.type == "transcribe" || event.type == "detect" ||
                     event.type == "run-pipeline";
  if (audio) {
    listener_.reset();
    deaf_ = event.type != "audio-stop";
    start_is_refused_ = event.type == "transcribe" || event.type == "detect";
  } else if (event.type.starts_with("synthesize")) {
    stream_.reset();
    mute_ = event.type != "synthesize-stop" && event.type != "synthesize";
  }
}

void WyomingRequests::pause() {
  if (!listener_ || listener_->done() || deaf_) return;
  const Result<void> done = listener_->pause();
  if (done) return;
  if (done.error().code != ErrorCode::kCancelled) out_.send_error(done.error());
  listener_.reset();
  deaf_ = true;
}

Result<void> WyomingRequests::select_program(const WyomingEvent& event) {
  MORGAN_TRY(const auto name, json_string(event.data, "name"));
  if (name == kWyomingVad) vad_selected_ = parts_.vad != nullptr;
  if (name == kWyomingProgram) vad_selected_ = false;
  return {};
}

void WyomingRequests::begin_listening(std::unique_ptr<AudioListener> listener) {
  listener_ = std::move(listener);
  begun_ = false;
  deaf_ = false;
  start_is_refused_ = false;
  static_cast<void>(input_.finish());
}

Result<void> WyomingRequests::transcribe(const WyomingEvent& event) {
  if (parts_.stt == nullptr) return not_here("speech to text");
  auto request = std::make_unique<AsrRequest>(parts_, out_);
  MORGAN_CHECK_OK(request->configure(event.data));
  begin_listening(std::move(request));
  return {};
}

Result<void> WyomingRequests::detect(const WyomingEvent& event) {
  if (parts_.wake == nullptr) return not_here(kNoWakeWords);
  MORGAN_TRY(const auto names, read_names(event.data, "names"));
  MORGAN_TRY(auto stream, parts_.wake->open(names));
  begin_listening(std::make_unique<WakeRequest>(std::move(stream), out_));
  return {};
}

Result<void> WyomingRequests::listen_by_default() {
  if (vad_selected_) {
    begin_listening(std::make_unique<VadRequest>(*parts_.vad, out_));
    return {};
  }
  if (parts_.stt == nullptr) return not_here("speech to text");
  begin_listening(std::make_unique<AsrRequest>(parts_, out_));
  return {};
}

Result<void> WyomingRequests::audio_start(const WyomingEvent& event) {
  // The audio of a request that was refused begins like any other; what follows a failure within audio is a new one.
  if (std::exchange(start_is_refused_, false)) return {};
  deaf_ = false;
  MORGAN_TRY(shape_, read_shape(event.data, {}));
  if (!listener_ || listener_->done()) return listen_by_default();
  return {};
}

// Samples of an audio-chunk to whoever listens.
Result<void> WyomingRequests::hear(const WyomingEvent& event) {
  if (!std::exchange(begun_, true)) {
    MORGAN_TRY(const auto timestamp, json_integer(event.data, "timestamp"));
    listener_->begin(timestamp.value_or(0));
  }
  MORGAN_TRY(const std::vector<float> samples, input_.push(event.payload, shape_));
  return listener_->take(samples);
}

Result<void> WyomingRequests::audio_chunk(const WyomingEvent& event) {
  if (deaf_) return {};
  MORGAN_TRY(shape_, read_shape(event.data, shape_));
  if (!listener_) MORGAN_CHECK_OK(listen_by_default());
  return listener_->done() ? Result<void>{} : hear(event);
}

Result<void> WyomingRequests::audio_stop(const WyomingEvent&) {
  start_is_refused_ = false;
  // Told already that its request is over.
  if (std::exchange(deaf_, false)) return {};
  if (!listener_) MORGAN_CHECK_OK(listen_by_default());
  const std::unique_ptr<AudioListener> listener = std::move(listener_);
  if (listener->done()) return {};
  if (const auto rest = input_.finish(); !rest.empty()) MORGAN_CHECK_OK(listener->take(rest));
  return listener->finish();
}

Result<void> WyomingRequests::synthesize(const WyomingEvent& event) {
  if (mute_) return {};
  if (stream_) return stream_->add_whole(event.data);
  if (parts_.tts == nullptr) return not_here("text to speech");
  return speak_whole(parts_, out_, event.data);
}

Result<void> WyomingRequests::synthesize_start(const WyomingEvent& event) {
  mute_ = false;
  if (parts_.tts == nullptr) return not_here("text to speech");
  stream_ = std::make_unique<TtsStream>(parts_, out_);
  return stream_->start(event.data);
}

Result<void> WyomingRequests::synthesize_chunk(const WyomingEvent& event) {
  if (mute_) return {};
  if (!stream_) return fail(ErrorCode::kInvalidArgument, "synthesize-chunk came without synthesize-start");
  return stream_->add(event.data);
}

Result<void> WyomingRequests::synthesize_stop(const WyomingEvent&) {
  const bool failed = std::exchange(mute_, false);
  if (!failed && !stream_) return fail(ErrorCode::kInvalidArgument, "synthesize-stop came without synthesize-start");
  const std::unique_ptr<TtsStream> stream = std::move(stream_);
  const Result<void> spoken = failed ? Result<void>{} : stream->finish();
  if (!spoken && spoken.error().code != ErrorCode::kCancelled) out_.send_error(spoken.error());
  // Also of a stream that failed: clients wait for it without a limit.
  return out_.send({"synthesize-stopped"});
}

Result<void> WyomingRequests::transcript(const WyomingEvent& event) {
  if (parts_.dialogue == nullptr) return not_here("the conversation");
  return answer_transcript(parts_, out_, event.data, conversation_);
}

Result<void> WyomingRequests::recognize(const WyomingEvent& event) {
  MORGAN_TRY(const auto text, json_string(event.data, "text"));
  if (!text) return fail({ErrorCode::kInvalidArgument, "text is missing", "", "text"});
  Json data{{"text", "Morgan converses and recognizes no intents; send the text as a transcript instead"}};
  if (const auto context = event.data.find("context"); context != event.data.end()) data["context"] = *context;
  return out_.send({"not-recognized", std::move(data)});
}

Result<void> WyomingRequests::check_pipeline(const PipelineRun& run) const {
  if (run.start == PipelineStage::kWake && parts_.wake == nullptr) return not_here(kNoWakeWords);
  if (run.start == PipelineStage::kWake && run.end == PipelineStage::kWake) {
    return fail(ErrorCode::kUnavailable, "for wake words alone send detect");
  }
  if (run.start == PipelineStage::kIntent || run.start == PipelineStage::kHandle || run.end == PipelineStage::kIntent) {
    return fail(ErrorCode::kUnavailable,
                "a pipeline begins with wake, asr or tts here, and ends with asr, handle or tts");
  }
  if (run.end == PipelineStage::kTts && parts_.tts == nullptr) return not_here("text to speech");
  if (run.start == PipelineStage::kTts) return {};
  if (parts_.stt == nullptr || parts_.vad == nullptr) return not_here("speech to text with voice detection");
  if (run.end != PipelineStage::kAsr && parts_.dialogue == nullptr) return not_here("the conversation");
  return {};
}

Result<void> WyomingRequests::run_pipeline(const WyomingEvent& event) {
  MORGAN_TRY(PipelineRun run, read_pipeline(event.data));
  MORGAN_CHECK_OK(check_pipeline(run));
  if (run.start == PipelineStage::kTts) return speak_whole(parts_, out_, {{"text", run.announce_text}});
  auto pipeline = std::make_unique<PipelineRequest>(parts_, out_, std::move(run), conversation_);
  MORGAN_CHECK_OK(pipeline->start());
  begin_listening(std::move(pipeline));
  return {};
}

}  // namespace morgan::services
