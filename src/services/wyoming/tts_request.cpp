#include "services/wyoming/tts_request.h"

#include "base/strings.h"
#include "services/fields.h"
#include "services/wyoming/speakable_text.h"
#include "text/utf8.h"

namespace morgan::services {

namespace {

constexpr int kUnknownVoiceRate = 24'000;  // what OpenAI's own voices have

Result<std::string> required_text(const Json& data) {
  MORGAN_TRY(auto text, json_string(data, "text"));
  if (!text) return fail({ErrorCode::kInvalidArgument, "text is missing", "", "text"});
  return std::move(*text);
}

Result<bool> is_ssml(const Json& data) {
  MORGAN_TRY(const auto format, json_string(data, "text_format"));
  return format.value_or("text") == "ssml";
}

Failure too_long(const WyomingParts& parts) {
  return fail({ErrorCode::kTooLarge,
               "the text has more than " + std::to_string(parts.max_text_chars) + " characters; send it in parts", "",
               "text"});
}

// {"name": ...}, else {"language": ...}, else the default. A voice here has one speaker, so `speaker` says nothing.
Result<engines::Voice> choose_voice(const Json& data, engines::TtsEngine& tts) {
  const auto voice = data.find("voice");
  const Json wanted = voice == data.end() || voice->is_null() ? Json::object() : *voice;
  if (!wanted.is_object()) {
    return fail({ErrorCode::kInvalidArgument, "voice must be an object with a name or a language", "", "voice"});
  }
  MORGAN_TRY(const auto name, json_string(wanted, "name"));
  MORGAN_TRY(const auto language, json_string(wanted, "language"));
  MORGAN_TRY(engines::Voice chosen, tts.find_voice(name && !name->empty() ? *name : "default"));
  if (chosen.sample_rate_hz <= 0) chosen.sample_rate_hz = kUnknownVoiceRate;
  const std::string code = language_code(language.value_or(""));
  if ((name && !name->empty()) || code.empty() || language_code(chosen.language) == code) return chosen;
  for (engines::Voice& other : tts.voices()) {
    if (language_code(other.language) != code) continue;
    if (other.sample_rate_hz <= 0) other.sample_rate_hz = kUnknownVoiceRate;
    return std::move(other);
  }
  return fail({ErrorCode::kNotFound, "no voice speaks this language", "LANGUAGE_NOT_SUPPORTED", "voice"});
}

Result<void> speak(engines::TtsEngine& tts, const engines::TtsRequest& request, WyomingAudio& audio,
                   const StopToken& stop) {
  const auto sink = [&audio](std::span<const float> samples) { return static_cast<bool>(audio.push(samples)); };
  return tts.synthesize(request, sink, stop);
}

}  // namespace

Result<void> speak_whole(const WyomingParts& parts, const WyomingOutlet& out, const Json& data) {
  MORGAN_TRY(std::string text, required_text(data));
  MORGAN_TRY(const bool ssml, is_ssml(data));
  if (ssml) text = text_of_ssml(text);
  if (text::count_characters(text) > parts.max_text_chars) return too_long(parts);
  MORGAN_TRY(const engines::Voice voice, choose_voice(data, *parts.tts));
  WyomingAudio audio(out);
  MORGAN_CHECK_OK(audio.start(voice.sample_rate_hz));
  if (!trim(text).empty()) MORGAN_CHECK_OK(speak(*parts.tts, {text, voice.name}, audio, out.stop()));
  return audio.finish();
}

Result<void> TtsStream::start(const Json& data) {
  MORGAN_TRY(ssml_, is_ssml(data));
  MORGAN_TRY(const engines::Voice voice, choose_voice(data, *parts_.tts));
  voice_ = voice.name;
  return audio_.start(voice.sample_rate_hz);
}

Result<void> TtsStream::add(const Json& data) {
  MORGAN_TRY(const std::string text, required_text(data));
  characters_ += text::count_characters(text);
  if (characters_ > parts_.max_text_chars) return too_long(parts_);
  blank_ = blank_ && trim(text).empty();
  if (!ssml_) return add_text(text);
  ssml_text_ += text;
  return {};
}

Result<void> TtsStream::add_whole(const Json& data) {
  MORGAN_TRY(whole_, required_text(data));
  if (text::count_characters(whole_) > parts_.max_text_chars) return too_long(parts_);
  return {};
}

Result<void> TtsStream::add_text(std::string_view text) {
  for (const std::string& piece : splitter_.push(text))
    MORGAN_CHECK_OK(say(piece, false));
  return {};
}

Result<void> TtsStream::say(const std::string& piece, bool last) {
  engines::TtsRequest request{piece, voice_};
  request.follows = std::exchange(spoken_, true);
  request.continues = !last;
  return speak(*parts_.tts, request, audio_, out_.stop());
}

Result<void> TtsStream::finish() {
  std::string rest = blank_ ? whole_ : ssml_text_;
  if (ssml_) rest = text_of_ssml(rest);
  if (!rest.empty()) MORGAN_CHECK_OK(add_text(rest));
  const std::vector<std::string> pieces = splitter_.finish();
  for (std::size_t i = 0; i < pieces.size(); ++i)
    MORGAN_CHECK_OK(say(pieces[i], i + 1 == pieces.size()));
  return audio_.finish();
}

}  // namespace morgan::services
