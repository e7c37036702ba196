#include "services/wyoming/asr_request.h"

#include "base/strings.h"
#include "services/fields.h"

namespace morgan::services {

namespace {

constexpr std::size_t kMaxPromptBytes = 2'000;

// "Names" go before "terms", and both make a prompt that Whisper takes spellings from.
Result<void> add_words(const Json& data, const char* name, std::string& prompt) {
  const auto words = data.find(name);
  if (words == data.end() || words->is_null()) return {};
  if (!words->is_array()) {
    return fail({ErrorCode::kInvalidArgument, std::string(name) + " must be a list of texts", "", name});
  }
  for (const Json& word : *words) {
    if (!word.is_string()) {
      return fail({ErrorCode::kInvalidArgument, std::string(name) + " must be a list of texts", "", name});
    }
    const auto& text = word.get_ref<const std::string&>();
    if (prompt.size() + text.size() + 2 > kMaxPromptBytes) return {};
    if (!prompt.empty()) prompt += ", ";
    prompt += text;
  }
  return {};
}

}  // namespace

Result<void> AsrRequest::configure(const Json& data) {
  MORGAN_TRY(const auto language, json_string(data, "language"));
  options_.language = language_code(language.value_or(""));
  MORGAN_CHECK_OK(add_words(data, "transcript_names", options_.prompt));
  MORGAN_CHECK_OK(add_words(data, "transcript_terms", options_.prompt));
  if (const auto context = data.find("context"); context != data.end()) context_ = *context;
  return {};
}

SttSession& AsrRequest::session() {
  if (!session_) session_.emplace("", options_, *parts_.stt, parts_.vad);
  return *session_;
}

Result<void> AsrRequest::take(std::span<const float> samples) {
  if (samples.empty()) return {};
  SttSession& stream = session();
  if (stream.seconds() > parts_.max_audio_seconds) {
    return fail(ErrorCode::kTooLarge, "the audio is longer than server.max_audio_seconds allows");
  }
  return stream.push({{samples.begin(), samples.end()}, audio::kSpeechRate});
}

Result<void> AsrRequest::pause() {
  if (!session_) return {};
  const auto text = session_->partial(out_.stop());
  // Text on the way is worth no error: what was not transcribed now is at the end.
  if (!text) return text.error().code == ErrorCode::kOverloaded ? Result<void>{} : fail(text.error());
  if (!text->changed) return {};
  return send_more(std::string_view(text->text).substr(0, text->stable_bytes), text->language);
}

Result<void> AsrRequest::send_start(const std::string& language) {
  if (std::exchange(started_, true)) return {};
  Json data = Json::object();
  if (!language.empty()) data["language"] = language;
  if (!context_.is_null()) data["context"] = context_;
  return out_.send({"transcript-start", std::move(data)});
}

Result<void> AsrRequest::send_more(std::string_view text, const std::string& language) {
  if (text.size() <= sent_.size() || !text.starts_with(sent_)) return {};
  MORGAN_CHECK_OK(send_start(language));
  const std::string more(text.substr(sent_.size()));
  sent_ += more;
  return out_.send({"transcript-chunk", {{"text", more}}});
}

Result<void> AsrRequest::finish() {
  SessionText heard;
  heard.language = options_.language;
  if (session_) {
    MORGAN_TRY(heard, session_->finish(out_.stop()));
  }
  text_ = heard.text;
  MORGAN_CHECK_OK(send_start(heard.language));
  MORGAN_CHECK_OK(send_more(heard.text, heard.language));
  Json data{{"text", heard.text}};
  if (!heard.language.empty()) data["language"] = heard.language;
  if (!context_.is_null()) data["context"] = context_;
  MORGAN_CHECK_OK(out_.send({"transcript", std::move(data)}));
  return out_.send({"transcript-stop"});
}

}  // namespace morgan::services
