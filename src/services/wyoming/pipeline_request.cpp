#include "services/wyoming/pipeline_request.h"

#include "base/strings.h"
#include "services/wyoming/handle_request.h"
#include "services/wyoming/wake_request.h"

#include <array>

namespace morgan::services {

namespace {

using Voice = engines::SpeechSegmenter::Event;

/// So much silence ends a command. Home Assistant's default.
constexpr int kEndSilenceMs = 700;
/// Then a satellite that nobody speaks to is told so.
constexpr double kNoSpeechSeconds = 15;
/// Who speaks so long is answered.
constexpr double kLongestSeconds = 60;

constexpr std::array<std::string_view, 5> kStages{"wake", "asr", "intent", "handle", "tts"};

Result<PipelineStage> read_stage(const Json& data, const char* key) {
  MORGAN_TRY(const auto name, json_string(data, key));
  const auto found = std::find(kStages.begin(), kStages.end(), name.value_or(""));
  if (found == kStages.end()) {
    return fail({ErrorCode::kInvalidArgument, std::string(key) + " must be wake, asr, intent, handle or tts", "", key});
  }
  return static_cast<PipelineStage>(found - kStages.begin());
}

}  // namespace

Result<PipelineRun> read_pipeline(const Json& data) {
  PipelineRun run;
  MORGAN_TRY(run.start, read_stage(data, "start_stage"));
  MORGAN_TRY(run.end, read_stage(data, "end_stage"));
  if (run.end < run.start) {
    return fail({ErrorCode::kInvalidArgument, "end_stage is before start_stage", "", "end_stage"});
  }
  MORGAN_TRY(const auto restart, json_bool(data, "restart_on_end"));
  run.restart = restart.value_or(false);
  MORGAN_TRY(const auto text, json_string(data, "announce_text"));
  run.announce_text = text.value_or("");
  MORGAN_TRY(run.wake_words, read_names(data, "wake_word_names"));
  MORGAN_TRY(const auto word, json_string(data, "wake_word_name"));
  if (run.wake_words.empty() && word) run.wake_words.push_back(*word);
  return run;
}

PipelineRequest::PipelineRequest(const WyomingParts& parts, const WyomingOutlet& out, PipelineRun run,
                                 std::string conversation)
    : parts_(parts), out_(out), run_(std::move(run)), conversation_(std::move(conversation)) {}

Result<void> PipelineRequest::start() {
  if (run_.start != PipelineStage::kWake) {
    listen();
    return {};
  }
  asr_.reset();
  MORGAN_TRY(wake_, parts_.wake->open(run_.wake_words));
  return out_.send({"detect", {{"names", run_.wake_words}}});
}

Result<void> PipelineRequest::wait_for_wake_word(std::span<const float> samples) {
  MORGAN_TRY(const auto detections, wake_->push(samples));
  if (detections.empty()) return {};
  wake_.reset();
  listen();
  return send_detection(out_, detections.front(), 0);
}

void PipelineRequest::listen() {
  asr_.emplace(parts_, out_);
  engines::SegmenterOptions options;
  options.min_silence_ms = kEndSilenceMs;
  finder_.emplace(*parts_.vad, options);
  voice_ = false;
}

Result<void> PipelineRequest::take(std::span<const float> samples) {
  if (wake_) return wait_for_wake_word(samples);
  MORGAN_CHECK_OK(asr_->take(samples));
  MORGAN_TRY(const auto events, finder_->push(samples));
  for (const Voice& event : events) {
    MORGAN_CHECK_OK(send_voice_event(out_, event, 0));
    voice_ = true;
    if (event.kind == Voice::Kind::kEnd) return conclude();
  }
  if (!voice_ && finder_->seconds() >= kNoSpeechSeconds) {
    return fail({ErrorCode::kDeadlineExceeded, "nobody has spoken", "stt-no-text-recognized"});
  }
  return finder_->seconds() >= kLongestSeconds ? conclude() : Result<void>{};
}

// A satellite that sends audio-stop has found the end itself.
Result<void> PipelineRequest::finish() {
  return done_ || wake_ ? Result<void>{} : conclude();
}

Result<void> PipelineRequest::conclude() {
  done_ = !run_.restart;
  for (const Voice& event : finder_->finish())
    MORGAN_CHECK_OK(send_voice_event(out_, event, 0));
  MORGAN_CHECK_OK(asr_->finish());
  const std::string text(trim(asr_->text()));
  if (run_.restart) MORGAN_CHECK_OK(start());
  if (run_.end == PipelineStage::kAsr) return {};
  if (text.empty()) return fail({ErrorCode::kInvalidArgument, "no words were heard", "stt-no-text-recognized"});
  return answer(text);
}

Result<void> PipelineRequest::answer(const std::string& text) {
  dialogue::TurnRequest turn;
  turn.user_id = wyoming_user(conversation_);
  turn.text = text;
  turn.speak = run_.end == PipelineStage::kTts;
  WyomingAudio audio(out_);
  dialogue::TurnObserver observer;
  observer.on_audio = [&audio](std::span<const float> samples, int rate_hz) {
    if (!audio.started() && !audio.start(rate_hz)) return false;
    return static_cast<bool>(audio.push(samples));
  };
  MORGAN_TRY(const dialogue::TurnResult result, parts_.dialogue->run(turn, observer, out_.stop()));
  return tell(result, audio);
}

// The speech is under way before its text is complete, so the text comes behind it.
Result<void> PipelineRequest::tell(const dialogue::TurnResult& result, WyomingAudio& audio) {
  MORGAN_CHECK_OK(out_.send({"handled", {{"text", result.answer}, {"context", {{"conversation_id", conversation_}}}}}));
  if (run_.end != PipelineStage::kTts) return {};
  MORGAN_CHECK_OK(out_.send({"synthesize", {{"text", result.answer}, {"voice", {{"name", result.voice}}}}}));
  if (audio.started()) MORGAN_CHECK_OK(audio.finish());
  if (result.audio_error) return fail(*result.audio_error);
  return {};
}

}  // namespace morgan::services
