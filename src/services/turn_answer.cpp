#include "services/turn_answer.h"

#include "audio/media_encoder.h"
#include "base/base64.h"
#include "base/json_util.h"
#include "base/strings.h"
#include "base/time_text.h"
#include "net/sse.h"
#include "services/json_format.h"

namespace morgan::services {

namespace {

OrderedJson ms_or_null(double ms) {
  return ms < 0 ? OrderedJson(nullptr) : OrderedJson(rounded(ms));
}

OrderedJson timings_json(const dialogue::TurnTimings& timings) {
  return OrderedJson{{"transcript", ms_or_null(timings.transcript_ms)},
                     {"first_token", ms_or_null(timings.first_token_ms)},
                     {"first_audio", ms_or_null(timings.first_audio_ms)},
                     {"text_done", ms_or_null(timings.text_done_ms)},
                     {"total", ms_or_null(timings.total_ms)}};
}

OrderedJson error_json(const Error& error) {
  const std::string code = error.reason.empty() ? "AUDIO_SYNTHESIS_ERROR" : error.reason;
  return OrderedJson{{"error", code}, {"message", error.message}};
}

bool is_spoken(const dialogue::TurnRequest& turn) {
  return turn.speech || turn.heard;
}

OrderedJson services_used(const dialogue::TurnRequest& turn, const dialogue::TurnResult& result) {
  OrderedJson used = OrderedJson::array();
  if (is_spoken(turn)) used.push_back("stt");
  const bool by_tools_alone = !result.tools.empty() && result.usage.completion_tokens == 0;
  if (!result.heard_nothing && !by_tools_alone) used.push_back("llm");
  if (!result.tools.empty()) used.push_back("tools");
  if (!result.audio.samples.empty()) used.push_back("tts");
  return used;
}

OrderedJson metadata_json(const dialogue::TurnRequest& turn, const dialogue::TurnResult& result) {
  OrderedJson metadata{{"processing_time", rounded(std::max(0.0, result.timings.total_ms) / kMsPerSecond)},
                       {"services_used", services_used(turn, result)},
                       {"model", result.model},
                       {"voice", result.voice.empty() ? OrderedJson(nullptr) : OrderedJson(result.voice)},
                       {"timings_ms", timings_json(result.timings)},
                       {"audio_error", result.audio_error ? error_json(*result.audio_error) : OrderedJson(nullptr)}};
  metadata["usage"] = OrderedJson{{"prompt_tokens", result.usage.prompt_tokens},
                                  {"cached_tokens", result.usage.cached_tokens},
                                  {"completion_tokens", result.usage.completion_tokens},
                                  {"total_tokens", result.usage.prompt_tokens + result.usage.completion_tokens}};
  if (!result.tools.empty()) metadata["tools"] = result.tools;
  if (is_spoken(turn)) metadata["heard_nothing"] = result.heard_nothing;
  // The older API's word for it.
  if (result.heard_nothing) metadata["error"] = "no_speech_detected";
  return metadata;
}

OrderedJson transcript_event(const engines::Transcript& transcript) {
  return OrderedJson{{"text", transcript.text},
                     {"language", transcript.language},
                     {"confidence", rounded(transcript.confidence)},
                     {"duration", rounded(transcript.duration_seconds)}};
}

std::string event(std::string_view name, const OrderedJson& data) {
  return net::sse_event(dump_json(data), name);
}

// The spoken answer as events; its encoder is made when the rate is known. @thread the speaking thread
class AudioEvents {
 public:
  explicit AudioEvents(const PieceStream::Sink& sink) : sink_(sink) {}

  bool push(std::span<const float> samples, int rate_hz) {
    if (!encoder_) {
      auto made = audio::make_encoder(audio::AudioFormat::kPcm, rate_hz);
      if (!made) return false;
      encoder_ = std::move(*made);
    }
    auto bytes = encoder_->push(samples);
    if (!bytes) return false;
    if (bytes->empty()) return true;
    return sink_(event(
        "audio", OrderedJson{{"audio_data", base64_encode(*bytes)}, {"format", "pcm16"}, {"sample_rate", rate_hz}}));
  }

 private:
  const PieceStream::Sink& sink_;
  std::unique_ptr<audio::MediaEncoder> encoder_;
};

}  // namespace

OrderedJson turn_json(const dialogue::TurnRequest& turn, const dialogue::TurnResult& result) {
  OrderedJson body{{"success", true}};
  const bool spoken = is_spoken(turn);
  if (spoken) {
    const bool heard = result.transcript.has_value();
    body["transcription"] = heard ? result.transcript->text : "";
    body["confidence"] = heard ? rounded(result.transcript->confidence) : 0.0;
    body["language"] = heard ? result.transcript->language : turn.language;
  }
  body["text_response"] = result.answer;
  body["text"] = result.answer;
  // The older API's code has these, its documents those above.
  if (spoken) body["ai_response"] = result.answer;
  body["actions"] = OrderedJson::array();
  body["user_id"] = turn.user_id;
  body["conversation_id"] = result.conversation_id;
  body["metadata"] = metadata_json(turn, result);
  return body;
}

Result<net::Response> whole_turn_response(dialogue::ConversationService& dialogue, const dialogue::TurnRequest& turn,
                                          const StopToken& stop) {
  auto finished = dialogue.run(turn, {}, stop);
  if (!finished) return fail(engine_error(std::move(finished).error(), ""));
  OrderedJson body = turn_json(turn, *finished);
  body["audio_data"] = nullptr;
  body["audio"] = nullptr;
  if (!finished->audio.samples.empty()) {
    MORGAN_TRY(const std::string wav, audio::encode_media(audio::AudioFormat::kWav, finished->audio));
    body["audio_data"] = base64_encode(wav);
    body["audio"] = to_hex({reinterpret_cast<const unsigned char*>(wav.data()), wav.size()});
    body["audio_format"] = "wav";
    body["sample_rate"] = finished->audio.rate_hz;
  }
  return json_response(body);
}

Result<net::Response> turn_events_response(dialogue::ConversationService& dialogue, dialogue::TurnRequest turn,
                                           const StopToken& stop) {
  auto producer = [&dialogue, turn = std::move(turn), stop](const PieceStream::Sink& sink) -> Result<void> {
    AudioEvents audio_events(sink);
    dialogue::TurnObserver observer;
    observer.on_transcript = [&sink](const engines::Transcript& transcript) {
      sink(event("transcript", transcript_event(transcript)));
    };
    observer.on_text = [&sink](std::string_view delta) {
      return sink(event("text", OrderedJson{{"delta", std::string(delta)}}));
    };
    observer.on_audio = [&audio_events](std::span<const float> samples, int rate_hz) {
      return audio_events.push(samples, rate_hz);
    };
    MORGAN_TRY(const dialogue::TurnResult result, dialogue.run(turn, observer, stop));
    sink(event("done", turn_json(turn, result)));
    return {};
  };
  return event_stream_response(std::move(producer));
}

}  // namespace morgan::services
