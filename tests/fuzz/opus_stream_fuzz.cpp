// libFuzzer target: whatever packets arrive, one after another, the Opus decoder answers with at most 120 ms of samples
// in [-1, 1] or with its documented error. Each packet is led by a byte that says how long it is; 0 is a lost one.
#include "audio/opus_stream.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace morgan;
  constexpr int kRate = 16000;
  const auto decoder = audio::OpusStreamDecoder::create(kRate);
  if (!decoder) std::abort();
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const std::size_t length = static_cast<unsigned char>(rest[0]);
    rest.remove_prefix(1);
    const std::string_view packet = rest.substr(0, length);
    rest.remove_prefix(packet.size());
    const auto samples = length == 0 ? (*decoder)->conceal() : (*decoder)->decode(packet);
    if (!samples) {
      if (samples.error().code != ErrorCode::kInvalidArgument) std::abort();
      continue;
    }
    if (samples->size() > static_cast<std::size_t>(kRate) * 120 / 1000) std::abort();
    for (const float sample : *samples) {
      if (!(sample >= -1.0F && sample <= 1.0F)) std::abort();
    }
  }
  return 0;
}
