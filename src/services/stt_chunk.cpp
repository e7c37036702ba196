#include "services/stt_chunk.h"

#include "audio/media_decoder.h"
#include "base/base64.h"
#include "base/strings.h"
#include "services/audio_input.h"
#include "services/json_format.h"

namespace morgan::services {

namespace {

constexpr int kLeastRate = 8000;
constexpr int kMostRate = 48000;
constexpr std::size_t kMaxPromptChars = 4'000;

}  // namespace

Failure invalid_chunk(std::string message) {
  return fail(Error{ErrorCode::kInvalidArgument, std::move(message), "INVALID_AUDIO", "audio_data"});
}

Result<int> read_chunk_rate(const Fields& fields) {
  MORGAN_TRY(const auto rate, fields.integer("sample_rate", {kLeastRate, kMostRate}));
  return static_cast<int>(rate.value_or(0));
}

Result<SttSessionOptions> read_session_options(const Fields& fields) {
  SttSessionOptions options;
  MORGAN_TRY(const std::string language, fields.text_or("language", ""));
  options.language = language_code(language);
  MORGAN_TRY(options.prompt, fields.text_or("prompt", ""));
  if (count_characters(options.prompt) > kMaxPromptChars) {
    return field_error("prompt", "field 'prompt' has more than " + std::to_string(kMaxPromptChars) + " characters");
  }
  MORGAN_TRY(const int rate, read_chunk_rate(fields));
  if (rate > 0) options.rate_hz = rate;
  return options;
}

Result<std::string> check_session_id(std::string id) {
  constexpr std::size_t kMostChars = 128;
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
  };
  if (id.size() <= kMostChars && std::all_of(id.begin(), id.end(), plain)) return id;
  return field_error("session_id", "a session id has at most 128 letters, digits, '-', '_' and '.'");
}

Result<std::string> read_chunk(const net::Request& request, const Fields& fields) {
  for (const std::string_view name : {"audio", "file", "audio_file"}) {
    if (const net::FormPart* part = fields.part(name)) return std::string(part->data);
  }
  const std::string_view name = fields.present({"audio_data", "audio"});
  MORGAN_TRY(const auto encoded, fields.text(name));
  if (encoded) {
    auto bytes = base64_decode(*encoded);
    if (!bytes) return invalid_chunk("field '" + std::string(name) + "' is not valid base64");
    return bytes;
  }
  if (fields.body_is_audio()) return request.body;
  return field_error("audio_data",
                     "no audio was sent: send PCM16 mono as JSON field 'audio_data' in base64, or as a body of type "
                     "audio/pcm");
}

Result<void> push_chunk(SttSession& session, std::string_view bytes, int rate_hz, double max_seconds) {
  if (bytes.empty()) return invalid_chunk("the chunk is empty");
  if (!looks_like_media(bytes)) {
    const int rate = rate_hz > 0 ? rate_hz : session.options().rate_hz;
    if (static_cast<double>(bytes.size() / 2) / rate > max_seconds) {
      return fail(Error{ErrorCode::kTooLarge, "the chunk is longer than a recording may be", "", "audio_data"});
    }
    return session.push_pcm16(bytes, rate_hz);
  }
  audio::DecodeLimits limits;
  limits.max_seconds = max_seconds;
  auto decoded = audio::decode_media(bytes, audio::kSpeechRate, limits);
  if (decoded) return session.push(*decoded);
  Error error = std::move(decoded).error();
  error.param = "audio_data";
  return fail(std::move(error));
}

OrderedJson partial_json(const SttSession& session, const SessionText& text) {
  return OrderedJson{{"session_id", session.id()}, {"transcription", text.text},
                     {"text", text.text},          {"confidence", rounded(text.confidence)},
                     {"is_final", false},          {"stable", count_characters(text.text.substr(0, text.stable_bytes))},
                     {"language", text.language},  {"duration", rounded(session.seconds())}};
}

}  // namespace morgan::services
