#include "audio/media_encoder.h"

#include "audio/ffmpeg_encoder.h"
#include "audio/pcm16.h"
#include "audio/resampler.h"
#include "base/strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

namespace morgan::audio {
namespace {

constexpr int kLowestRate = 8'000;
constexpr int kHighestRate = 48'000;
constexpr int kOpusRate = 48'000;
constexpr std::uint32_t kUnknownLength = 0xFFFFFFFF;
constexpr std::uint32_t kWavHeaderBytes = 44;

struct FormatName {
  AudioFormat format;
  std::string_view name;
  std::string_view content_type;
};

constexpr FormatName kFormats[] = {
    {AudioFormat::kWav, "wav", "audio/wav"},
    {AudioFormat::kMp3, "mp3", "audio/mpeg"},
    {AudioFormat::kOpus, "opus", "audio/ogg; codecs=opus"},
    {AudioFormat::kAac, "aac", "audio/aac"},
    {AudioFormat::kFlac, "flac", "audio/flac"},
    {AudioFormat::kPcm, "pcm", "audio/pcm"},
};

const FormatName& entry(AudioFormat format) {
  return kFormats[static_cast<std::size_t>(format)];
}

void append_little_endian(std::string& out, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i)
    out += static_cast<char>((value >> (8 * i)) & 0xFF);
}

std::string wav_header(int rate_hz, std::uint32_t data_bytes) {
  const auto rate = static_cast<std::uint32_t>(rate_hz);
  const bool known = data_bytes != kUnknownLength;
  std::string out = "RIFF";
  append_little_endian(out, known ? data_bytes + kWavHeaderBytes - 8 : kUnknownLength, 4);
  out += "WAVEfmt ";
  append_little_endian(out, 16, 4);
  append_little_endian(out, 1, 2);  // PCM
  append_little_endian(out, 1, 2);  // one channel
  append_little_endian(out, rate, 4);
  append_little_endian(out, rate * 2, 4);
  append_little_endian(out, 2, 2);
  append_little_endian(out, 16, 2);
  out += "data";
  append_little_endian(out, data_bytes, 4);
  return out;
}

/// wav and pcm: the samples themselves, wav with a header before the first.
class PlainEncoder final : public MediaEncoder {
 public:
  explicit PlainEncoder(std::string header) : header_(std::move(header)) {}

  Result<std::string> push(std::span<const float> samples) override {
    return std::exchange(header_, {}) + encode_pcm16(samples);
  }
  Result<std::string> finish() override { return std::exchange(header_, {}); }

 private:
  std::string header_;
};

/// Cleans the samples and brings them to the rate of the file.
class ResamplingEncoder final : public MediaEncoder {
 public:
  ResamplingEncoder(std::unique_ptr<Resampler> resampler, std::unique_ptr<MediaEncoder> encoder)
      : resampler_(std::move(resampler)), encoder_(std::move(encoder)) {}

  Result<std::string> push(std::span<const float> samples) override {
    clean_.resize(samples.size());
    std::transform(samples.begin(), samples.end(), clean_.begin(),
                   [](float sample) { return std::isfinite(sample) ? std::clamp(sample, -1.0F, 1.0F) : 0.0F; });
    return encoder_->push(resampler_->push(clean_));
  }

  Result<std::string> finish() override {
    MORGAN_TRY(std::string bytes, encoder_->push(resampler_->finish()));
    MORGAN_TRY(const std::string last, encoder_->finish());
    return bytes + last;
  }

 private:
  std::unique_ptr<Resampler> resampler_;
  std::unique_ptr<MediaEncoder> encoder_;
  std::vector<float> clean_;
};

Result<void> check_rate(std::string_view what, int rate_hz) {
  if (rate_hz >= kLowestRate && rate_hz <= kHighestRate) return {};
  return fail(Error{ErrorCode::kInvalidArgument,
                    fmt::format("{} rate {} Hz is outside {}..{} Hz", what, rate_hz, kLowestRate, kHighestRate),
                    {},
                    "sample_rate"});
}

Result<std::unique_ptr<MediaEncoder>> make(AudioFormat format, int input_rate_hz, int output_rate_hz, Sink sink) {
  MORGAN_CHECK_OK(check_rate("input", input_rate_hz));
  int rate = output_rate_hz == 0 ? input_rate_hz : output_rate_hz;
  MORGAN_CHECK_OK(check_rate("output", rate));
  std::unique_ptr<MediaEncoder> encoder;
  if (format == AudioFormat::kWav || format == AudioFormat::kPcm) {
    encoder = std::make_unique<PlainEncoder>(format == AudioFormat::kWav ? wav_header(rate, kUnknownLength) : "");
  } else {
    rate = format == AudioFormat::kOpus ? kOpusRate : nearest_codec_rate(format, rate);
    MORGAN_TRY(encoder, make_ffmpeg_encoder(format, rate, sink));
  }
  MORGAN_TRY(auto resampler, Resampler::create(input_rate_hz, rate));
  return std::unique_ptr<MediaEncoder>(std::make_unique<ResamplingEncoder>(std::move(resampler), std::move(encoder)));
}

}  // namespace

std::optional<AudioFormat> parse_audio_format(std::string_view name) {
  if (equals_ignore_case(name, "ogg")) return AudioFormat::kOpus;
  for (const FormatName& known : kFormats) {
    if (equals_ignore_case(name, known.name)) return known.format;
  }
  return std::nullopt;
}

std::string_view to_string(AudioFormat format) {
  return entry(format).name;
}

std::string_view content_type(AudioFormat format) {
  return entry(format).content_type;
}

Result<std::unique_ptr<MediaEncoder>> make_encoder(AudioFormat format, int input_rate_hz, int output_rate_hz) {
  return make(format, input_rate_hz, output_rate_hz, Sink::kStream);
}

Result<std::string> encode_media(AudioFormat format, PcmView pcm, int output_rate_hz) {
  MORGAN_TRY(const auto encoder, make(format, pcm.rate_hz, output_rate_hz, Sink::kWhole));
  std::string out;
  // A second at a time: opus at 48 kHz would else hold the whole answer once more, and larger.
  const auto block = static_cast<std::size_t>(pcm.rate_hz);
  for (std::size_t at = 0; at < pcm.samples.size(); at += block) {
    MORGAN_TRY(const std::string bytes,
               encoder->push(pcm.samples.subspan(at, std::min(block, pcm.samples.size() - at))));
    out += bytes;
  }
  MORGAN_TRY(const std::string last, encoder->finish());
  out += last;
  if (format == AudioFormat::kWav && out.size() - kWavHeaderBytes < kUnknownLength - kWavHeaderBytes) {
    const int rate = output_rate_hz == 0 ? pcm.rate_hz : output_rate_hz;
    out.replace(0, kWavHeaderBytes, wav_header(rate, static_cast<std::uint32_t>(out.size() - kWavHeaderBytes)));
  }
  return out;
}

}  // namespace morgan::audio
