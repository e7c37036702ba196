// Opus packets: whatever arrives, one after another, the decoder answers with at most 120 ms of samples in [-1, 1] or
// with its documented error. Each packet is led by a byte that says how long it is; 0 is a lost one.
#include "audio/opus_stream.h"
#include "audio/pcm.h"
#include "fuzz_target.h"

namespace morgan::fuzz {

namespace {

constexpr int kRate = 16000;

void decode(std::string_view bytes) {
  const auto decoder = audio::OpusStreamDecoder::create(kRate);
  require(decoder.has_value(), "a decoder at 16 kHz");
  while (!bytes.empty()) {
    const std::size_t length = take_byte(bytes);
    const std::string_view packet = bytes.substr(0, length);
    bytes.remove_prefix(packet.size());
    const auto samples = length == 0 ? (*decoder)->conceal() : (*decoder)->decode(packet);
    if (!samples) {
      require(samples.error().code == ErrorCode::kInvalidArgument, "a documented error");
      continue;
    }
    require(samples->size() <= static_cast<std::size_t>(kRate) * 120 / 1000, "at most 120 ms a packet");
    for (const float sample : *samples)
      require(sample >= -1.0F && sample <= 1.0F, "samples in [-1, 1]");
  }
}

std::vector<std::string> packets() {
  const std::vector<float> tone(1'600, 0.25F);
  std::vector<std::string> made;
  for (const int bits : {6'000, 24'000}) {
    auto encoder = audio::OpusStreamEncoder::create(kRate, {.bits_per_second = bits});
    require(encoder.has_value(), "an encoder at 16 kHz");
    auto encoded = (*encoder)->push(tone);
    require(encoded.has_value(), "packets");
    std::string stream;
    for (const std::string& packet : *encoded)
      stream += static_cast<char>(packet.size()) + packet;
    made.push_back(stream + '\0');
  }
  return made;
}

const Registered kRegistered({"opus_stream", decode, packets});

}  // namespace

}  // namespace morgan::fuzz
