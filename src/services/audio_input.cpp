#include "services/audio_input.h"

#include "audio/media_decoder.h"
#include "audio/pcm16.h"
#include "audio/resampler.h"
#include "base/base64.h"
#include "base/strings.h"

namespace morgan::services {

namespace {

constexpr int kMinPcmRate = 8'000;
constexpr int kMaxPcmRate = 192'000;

Failure invalid_audio(std::string_view param, std::string message) {
  return fail(Error{ErrorCode::kInvalidArgument, std::move(message), "INVALID_AUDIO", std::string(param)});
}

// Length in bytes of the MPEG-1/2 layer III frame whose header is at `at`, or 0. @source ISO/IEC 11172-3, 2.4.2.3
std::size_t mp3_frame_bytes(std::string_view bytes, std::size_t at) {
  if (bytes.size() < at + 4) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(bytes[at + i])); };
  if (byte(0) != 0xFFU || (byte(1) & 0xE6U) != 0xE2U) return 0;
  const unsigned version = (byte(1) >> 3U) & 3U;  // 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5
  const unsigned bitrate_index = byte(2) >> 4U;
  const unsigned rate_index = (byte(2) >> 2U) & 3U;
  if (version == 1 || rate_index == 3 || bitrate_index == 0 || bitrate_index == 15) return 0;
  static constexpr std::array<unsigned, 15> kMpeg1 = {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320};
  static constexpr std::array<unsigned, 15> kMpeg2 = {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160};
  static constexpr std::array<unsigned, 3> kRates = {44'100, 48'000, 32'000};
  const unsigned rate = kRates[rate_index] >> (version == 3 ? 0U : version == 2 ? 1U : 2U);
  const unsigned kilobits = version == 3 ? kMpeg1[bitrate_index] : kMpeg2[bitrate_index];
  const unsigned padding = (byte(2) >> 1U) & 1U;
  return (version == 3 ? 144U : 72U) * kilobits * 1000U / rate + padding;
}

// The same for an ADTS frame. @source ISO/IEC 13818-7, 6.2
std::size_t adts_frame_bytes(std::string_view bytes, std::size_t at) {
  if (bytes.size() < at + 7) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at + i])); };
  if (byte(0) != 0xFFU || (byte(1) & 0xF6U) != 0xF0U) return 0;
  return ((byte(3) & 3U) << 11U) | (byte(4) << 3U) | (byte(5) >> 5U);
}

// One header may be chance, for PCM has any bytes; a second one where the first says is not.
bool two_frames(std::string_view bytes, std::size_t (*frame_bytes)(std::string_view, std::size_t)) {
  const std::size_t first = frame_bytes(bytes, 0);
  return first > 0 && frame_bytes(bytes, first) > 0;
}

Result<ReceivedAudio> from_pcm16(std::string_view bytes, int rate_hz, double max_seconds, std::string_view param) {
  if (bytes.size() < 2) return invalid_audio(param, "the audio is empty");
  const double seconds = static_cast<double>(bytes.size() / 2) / rate_hz;
  if (seconds > max_seconds) {
    return fail(Error{ErrorCode::kTooLarge,
                      "the audio is longer than " + std::to_string(static_cast<long long>(max_seconds)) + " s", "",
                      std::string(param)});
  }
  ReceivedAudio received;
  MORGAN_CHECK_OK(received.lease.grow_to(static_cast<std::size_t>(seconds * audio::kSpeechRate)));
  received.pcm = audio::decode_pcm16(bytes, rate_hz);
  if (rate_hz != audio::kSpeechRate) {
    MORGAN_TRY(received.pcm, audio::resample(received.pcm, audio::kSpeechRate));
  }
  return received;
}

Result<ReceivedAudio> from_file(std::string_view bytes, double max_seconds, std::string_view param) {
  if (bytes.empty()) return invalid_audio(param, "the audio is empty (0 bytes)");
  audio::DecodeLimits limits;
  limits.max_seconds = max_seconds;
  ReceivedAudio received;
  auto decoded = audio::decode_media(bytes, audio::kSpeechRate, limits, &received.lease);
  if (decoded) {
    received.pcm = std::move(*decoded);
    return received;
  }
  Error error = std::move(decoded).error();
  error.param = param;
  return fail(std::move(error));
}

// The body may be a third larger than this, for base64.
Failure too_large(std::string_view param, std::uint64_t max_bytes) {
  return fail(Error{ErrorCode::kTooLarge,
                    "the recording is larger than " + human_bytes(max_bytes) + " (server.max_upload_mb)", "",
                    std::string(param)});
}

bool names_raw_pcm(std::string_view content_type, std::string_view filename) {
  const std::string type = to_lower_ascii(content_type);
  const std::string name = to_lower_ascii(filename);
  return type.starts_with("audio/pcm") || type.starts_with("audio/l16") || name.ends_with(".pcm") ||
         name.ends_with(".raw");
}

Result<int> pcm_rate(const Fields& fields) {
  MORGAN_TRY(auto rate, fields.integer("sample_rate", {kMinPcmRate, kMaxPcmRate}));
  return static_cast<int>(rate.value_or(audio::kSpeechRate));
}

}  // namespace

bool looks_like_media(std::string_view bytes) {
  for (const std::string_view magic : {"RIFF", "RF64", "OggS", "fLaC", "ID3", "\x1A\x45\xDF\xA3"}) {
    if (bytes.starts_with(magic)) return true;
  }
  if (bytes.size() >= 12 && bytes.substr(4, 4) == "ftyp") return true;
  return two_frames(bytes, mp3_frame_bytes) || two_frames(bytes, adts_frame_bytes);
}

Result<ReceivedAudio> read_audio(const net::Request& request, const Fields& fields, const ServiceContext& context) {
  const double max_seconds = context.max_audio_seconds;
  const std::uint64_t max_bytes = context.max_upload_bytes;
  for (const std::string_view name : {"audio", "file", "audio_file"}) {
    const net::FormPart* part = fields.part(name);
    if (part == nullptr) continue;
    if (part->data.size() > max_bytes) return too_large(name, max_bytes);
    if (names_raw_pcm(part->content_type, part->filename)) {
      MORGAN_TRY(const int rate, pcm_rate(fields));
      return from_pcm16(part->data, rate, max_seconds, name);
    }
    return from_file(part->data, max_seconds, name);
  }
  const std::string_view name = fields.present({"audio_data", "audio"});
  MORGAN_TRY(auto encoded, fields.text(name));
  if (encoded) {
    auto bytes = base64_decode(*encoded);
    if (!bytes) return invalid_audio(name, "field '" + std::string(name) + "' is not valid base64");
    if (bytes->size() > max_bytes) return too_large(name, max_bytes);
    if (looks_like_media(*bytes)) return from_file(*bytes, max_seconds, name);
    MORGAN_TRY(const int rate, pcm_rate(fields));
    return from_pcm16(*bytes, rate, max_seconds, name);
  }
  if (fields.body_is_audio()) {
    if (request.body.size() > max_bytes) return too_large("body", max_bytes);
    if (names_raw_pcm(request.header("Content-Type"), "")) {
      MORGAN_TRY(const int rate, pcm_rate(fields));
      return from_pcm16(request.body, rate, max_seconds, "body");
    }
    return from_file(request.body, max_seconds, "body");
  }
  // OpenAI's calls know it by one name only.
  return field_error(request.path.starts_with("/v1/") ? "file" : "audio",
                     "no audio was sent: send a multipart part 'audio' or 'file', a JSON field 'audio_data' in "
                     "base64, or a body of type audio/*");
}

}  // namespace morgan::services
