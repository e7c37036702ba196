#include "audio/opus_stream.h"

#include <fmt/format.h>
#include <opus/opus.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace morgan::audio {
namespace {

constexpr int kPacketsPerSecond = 50;
/// The longest packet by RFC 6716, and the most bytes that its 48 frames may have.
constexpr int kLongestMs = 120;
constexpr std::size_t kMostBytes = 48 * 1276 + 64;

struct EncoderDeleter {
  void operator()(OpusEncoder* encoder) const { opus_encoder_destroy(encoder); }
};
struct DecoderDeleter {
  void operator()(OpusDecoder* decoder) const { opus_decoder_destroy(decoder); }
};

Error rate_error(int rate_hz) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("Opus knows 8000, 12000, 16000, 24000 and 48000 Hz, not {}", rate_hz)};
}

Error opus_error(const char* what, int code) {
  return {ErrorCode::kInternal, fmt::format("{}: {}", what, opus_strerror(code))};
}

class Encoder final : public OpusStreamEncoder {
 public:
  Encoder(OpusEncoder* encoder, int rate_hz, std::size_t delay)
      : encoder_(encoder), frame_(static_cast<std::size_t>(rate_hz / kPacketsPerSecond)), delay_(delay) {}

  Result<std::vector<std::string>> push(std::span<const float> samples) override {
    pending_.reserve(pending_.size() + samples.size());
    for (const float sample : samples)
      pending_.push_back(std::isfinite(sample) ? std::clamp(sample, -1.0F, 1.0F) : 0.0F);
    owed_ = delay_;
    return take_packets();
  }

  Result<std::vector<std::string>> flush() override {
    if (pending_.empty() && owed_ == 0) return std::vector<std::string>{};
    pending_.resize((pending_.size() + owed_ + frame_ - 1) / frame_ * frame_, 0.0F);
    owed_ = 0;
    return take_packets();
  }

  std::size_t delay_samples() const override { return delay_; }

 private:
  Result<std::vector<std::string>> take_packets() {
    std::vector<std::string> packets;
    std::size_t at = 0;
    for (; at + frame_ <= pending_.size(); at += frame_) {
      std::array<unsigned char, 1500> bytes;  // a packet of one frame has at most 1,276
      const int size = opus_encode_float(encoder_.get(), pending_.data() + at, static_cast<int>(frame_), bytes.data(),
                                         static_cast<opus_int32>(bytes.size()));
      if (size < 0) return fail(opus_error("Opus cannot encode", size));
      packets.emplace_back(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(size));
    }
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(at));
    return packets;
  }

  std::unique_ptr<OpusEncoder, EncoderDeleter> encoder_;
  std::size_t frame_;
  std::size_t delay_;
  std::size_t owed_ = 0;        // silence behind the last sample that the decoder needs to give it
  std::vector<float> pending_;  // less than a frame between calls
};

class Decoder final : public OpusStreamDecoder {
 public:
  Decoder(OpusDecoder* decoder, int rate_hz)
      : decoder_(decoder), rate_hz_(rate_hz), last_(static_cast<std::size_t>(rate_hz / kPacketsPerSecond)) {}

  Result<std::vector<float>> decode(std::string_view packet) override {
    if (packet.empty() || packet.size() > kMostBytes) return invalid();
    const auto* const bytes = reinterpret_cast<const unsigned char*>(packet.data());
    const auto size = static_cast<opus_int32>(packet.size());
    const int samples = opus_packet_get_nb_samples(bytes, size, rate_hz_);
    if (samples <= 0 || samples > rate_hz_ / 1000 * kLongestMs) return invalid();
    std::vector<float> out(static_cast<std::size_t>(samples));
    const int made = opus_decode_float(decoder_.get(), bytes, size, out.data(), samples, 0);
    if (made == OPUS_INVALID_PACKET || made == OPUS_BUFFER_TOO_SMALL) return invalid();
    if (made < 0) return fail(opus_error("Opus cannot decode", made));
    last_ = static_cast<std::size_t>(made);
    return limited(std::move(out), last_);
  }

  Result<std::vector<float>> conceal() override {
    std::vector<float> out(last_);
    const int made = opus_decode_float(decoder_.get(), nullptr, 0, out.data(), static_cast<int>(last_), 0);
    if (made < 0) return fail(opus_error("Opus cannot conceal a lost packet", made));
    return limited(std::move(out), static_cast<std::size_t>(made));
  }

 private:
  static Failure invalid() {
    return fail(Error{ErrorCode::kInvalidArgument, "this is not an Opus packet of at most 120 ms", "INVALID_AUDIO"});
  }

  static std::vector<float> limited(std::vector<float> samples, std::size_t count) {
    samples.resize(count);
    for (float& sample : samples)
      sample = std::isfinite(sample) ? std::clamp(sample, -1.0F, 1.0F) : 0.0F;
    return samples;
  }

  std::unique_ptr<OpusDecoder, DecoderDeleter> decoder_;
  int rate_hz_;
  std::size_t last_;
};

}  // namespace

std::size_t opus_packet_samples(std::string_view packet) {
  constexpr int kLongest = 5'760;
  if (packet.empty() || packet.size() > 0x7fff'ffffU) return 0;
  const int samples = opus_packet_get_nb_samples(reinterpret_cast<const unsigned char*>(packet.data()),
                                                 static_cast<opus_int32>(packet.size()), 48'000);
  return samples <= 0 || samples > kLongest ? 0 : static_cast<std::size_t>(samples);
}

bool is_opus_rate(int rate_hz) {
  return rate_hz == 8'000 || rate_hz == 12'000 || rate_hz == 16'000 || rate_hz == 24'000 || rate_hz == 48'000;
}

Result<std::unique_ptr<OpusStreamEncoder>> OpusStreamEncoder::create(int rate_hz, const OpusOptions& options) {
  if (!is_opus_rate(rate_hz)) return fail(rate_error(rate_hz));
  if (options.bits_per_second < 6'000 || options.bits_per_second > 128'000 || options.complexity < 0 ||
      options.complexity > 10) {
    return fail(ErrorCode::kInvalidArgument, "Opus takes 6000 to 128000 bits a second and a complexity from 0 to 10");
  }
  int error = OPUS_OK;
  OpusEncoder* const encoder = opus_encoder_create(rate_hz, 1, OPUS_APPLICATION_VOIP, &error);
  if (encoder == nullptr) return fail(opus_error("Opus does not start", error));
  opus_encoder_ctl(encoder, OPUS_SET_BITRATE(options.bits_per_second));
  opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(options.complexity));
  opus_encoder_ctl(encoder, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
  opus_int32 delay = 0;
  opus_encoder_ctl(encoder, OPUS_GET_LOOKAHEAD(&delay));
  return std::unique_ptr<OpusStreamEncoder>(
      std::make_unique<Encoder>(encoder, rate_hz, static_cast<std::size_t>(std::max(delay, 0))));
}

Result<std::unique_ptr<OpusStreamDecoder>> OpusStreamDecoder::create(int rate_hz) {
  if (!is_opus_rate(rate_hz)) return fail(rate_error(rate_hz));
  int error = OPUS_OK;
  OpusDecoder* const decoder = opus_decoder_create(rate_hz, 1, &error);
  if (decoder == nullptr) return fail(opus_error("Opus does not start", error));
  return std::unique_ptr<OpusStreamDecoder>(std::make_unique<Decoder>(decoder, rate_hz));
}

}  // namespace morgan::audio
