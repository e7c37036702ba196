#include "services/live_messages.h"

#include "audio/media_encoder.h"
#include "base/base64.h"
#include "services/fields.h"
#include "services/json_format.h"

namespace morgan::services::wire {

namespace {

std::string code_of(const Error& error) {
  if (!error.reason.empty()) return error.reason;
  switch (error.code) {
    case ErrorCode::kOverloaded:
      return "SERVICE_BUSY";
    case ErrorCode::kUnavailable:
      return "SERVICE_UNAVAILABLE";
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kTooLarge:
    case ErrorCode::kUnsupported:
      return "INVALID_INPUT";
    case ErrorCode::kNotFound:
      return "NOT_FOUND";
    default:
      return "INTERNAL_ERROR";
  }
}

}  // namespace

OrderedJson message(const std::string& type) {
  return {{"type", type}, {"text", nullptr}, {"confidence", nullptr}, {"is_final", nullptr}, {"error", nullptr}};
}

OrderedJson status(const std::string& text) {
  OrderedJson json = message("status");
  json["text"] = text;
  return json;
}

OrderedJson transcription(std::int64_t turn, const engines::Hypothesis& hypothesis, bool is_final) {
  OrderedJson json = message("transcription");
  json["text"] = hypothesis.text;
  json["confidence"] = rounded(hypothesis.confidence);
  json["is_final"] = is_final;
  json["turn"] = turn;
  const std::string_view text = hypothesis.text;
  json["stable"] = is_final ? count_characters(text)
                            : count_characters(text.substr(0, std::min(hypothesis.stable_bytes, text.size())));
  json["language"] = hypothesis.language;
  return json;
}

OrderedJson words(std::int64_t response, int rate_hz, const std::vector<dialogue::live::HeardWord>& words) {
  OrderedJson list = OrderedJson::array();
  for (const auto& word : words) {
    list.push_back(OrderedJson{{"text", word.text},
                               {"start", rounded(static_cast<double>(word.begin_sample) / rate_hz)},
                               {"end", rounded(static_cast<double>(word.end_sample) / rate_hz)}});
  }
  OrderedJson json = message("words");
  json["response"] = response;
  json["words"] = std::move(list);
  return json;
}

OrderedJson error(const Error& error, bool fatal) {
  OrderedJson json = message("error");
  json["error"] = code_of(error);
  json["message"] = error.message;
  if (!error.param.empty()) json["param"] = error.param;
  json["fatal"] = fatal;
  return json;
}

OrderedJson wav_audio(std::int64_t response, audio::PcmView pcm) {
  OrderedJson json = message("audio");
  const auto wav = audio::encode_media(audio::AudioFormat::kWav, pcm);
  if (!wav) return json;
  json["audio_data"] = base64_encode(*wav);
  json["text"] = json["audio_data"];  // where the older server had it
  json["response"] = response;
  return json;
}

}  // namespace morgan::services::wire
