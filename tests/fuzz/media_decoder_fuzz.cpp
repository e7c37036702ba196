// Audio files: whatever bytes arrive, decode_media() answers with samples in [-1, 1], no longer than was allowed, or
// with one of its two documented errors.
#include "audio/media_decoder.h"
#include "audio/media_encoder.h"
#include "fuzz_target.h"

#include <cmath>

namespace morgan::fuzz {

namespace {

constexpr double kMaxSeconds = 5;

void decode(std::string_view bytes) {
  const auto decoded = audio::decode_media(bytes, audio::kSpeechRate, {.max_seconds = kMaxSeconds});
  if (!decoded) {
    const ErrorCode code = decoded.error().code;
    require(code == ErrorCode::kInvalidArgument || code == ErrorCode::kTooLarge, "a documented error");
    return;
  }
  require(decoded->rate_hz == audio::kSpeechRate, "the rate that was asked for");
  require(!decoded->samples.empty() && decoded->seconds() < kMaxSeconds + 1, "samples, and no more than allowed");
  for (const float sample : decoded->samples)
    require(sample >= -1.0F && sample <= 1.0F, "samples in [-1, 1]");
}

std::vector<std::string> files() {
  std::vector<float> tone(800);
  for (std::size_t i = 0; i < tone.size(); ++i)
    tone[i] = 0.5F * std::sin(0.2F * static_cast<float>(i));
  std::vector<std::string> made;
  for (const char* name : {"wav", "mp3", "opus", "aac", "flac"}) {
    auto file = audio::encode_media(*audio::parse_audio_format(name), audio::PcmView(tone, 8'000));
    require(file.has_value(), "a seed of each format");
    made.push_back(std::move(*file));
  }
  return made;
}

const Registered kRegistered({"media_decoder", decode, files});

}  // namespace

}  // namespace morgan::fuzz
