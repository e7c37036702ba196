// libFuzzer target: whatever bytes arrive, decode_media() answers with samples in [-1, 1] or with one of its two
// documented errors.
#include "audio/media_decoder.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace morgan;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto decoded = audio::decode_media(bytes, audio::kSpeechRate, {.max_seconds = 5});
  if (!decoded) {
    const ErrorCode code = decoded.error().code;
    if (code != ErrorCode::kInvalidArgument && code != ErrorCode::kTooLarge) std::abort();
    return 0;
  }
  for (const float sample : decoded->samples) {
    if (!(sample >= -1.0F && sample <= 1.0F)) std::abort();
  }
  return 0;
}
