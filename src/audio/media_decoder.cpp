#include "audio/media_decoder.h"

#include "audio/ffmpeg_handles.h"
#include "audio/resampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <utility>

namespace morgan::audio {
namespace {

constexpr int kIoBufferBytes = 1 << 16;
/// Audio containers only: a demuxer that is not here (playlists, images, network) cannot be reached.
constexpr const char* kDemuxers = "wav,w64,mp3,mov,ogg,matroska,webm,flac,aac,aiff,au,caf";
constexpr const char* kDecoders =
    "pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,"
    "pcm_f64be,pcm_alaw,pcm_mulaw,pcm_s64le,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,gsm_ms,mp3,mp3float,aac,alac,flac,"
    "vorbis,opus,libopus";
/// A damaged file may answer every read with an error; give up after this many in a row.
constexpr int kReadErrorsInARow = 64;
/// What is stated, or reckoned from the size, counts a little too much: tags, pictures, priming. What is really too
/// long by less than this is found while it is decoded.
constexpr double kStatedTolerance = 10;  // seconds

Failure invalid_audio(std::string message) {
  return fail(Error{ErrorCode::kInvalidArgument, std::move(message), "INVALID_AUDIO"});
}

/// The file in memory, as FFmpeg's callbacks see it.
struct MemoryFile {
  std::string_view bytes;
  std::size_t position = 0;
};

int read_memory(void* opaque, std::uint8_t* buffer, int wanted) {
  auto& file = *static_cast<MemoryFile*>(opaque);
  const std::size_t count = std::min(static_cast<std::size_t>(wanted), file.bytes.size() - file.position);
  if (count == 0) return AVERROR_EOF;
  std::memcpy(buffer, file.bytes.data() + file.position, count);
  file.position += count;
  return static_cast<int>(count);
}

std::int64_t seek_memory(void* opaque, std::int64_t offset, int whence) {
  auto& file = *static_cast<MemoryFile*>(opaque);
  const auto size = static_cast<std::int64_t>(file.bytes.size());
  if ((whence & AVSEEK_SIZE) != 0) return size;
  std::int64_t base = 0;
  switch (whence & ~AVSEEK_FORCE) {
    case SEEK_SET:
      break;
    case SEEK_CUR:
      base = static_cast<std::int64_t>(file.position);
      break;
    case SEEK_END:
      base = size;
      break;
    default:
      return AVERROR(EINVAL);
  }
  if (offset < -base || offset > size - base) return AVERROR(EINVAL);
  file.position = static_cast<std::size_t>(base + offset);
  return base + offset;
}

/// Containers can name other files or addresses; none of them is ever opened.
int refuse_to_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EPERM);
}

/// One sample of FFmpeg's type T as float in [-1, 1]; NaN and infinities are silence.
template <typename T>
float to_float(T sample) {
  if constexpr (std::is_floating_point_v<T>) {
    const auto value = static_cast<float>(sample);
    return std::isfinite(value) ? std::clamp(value, -1.0F, 1.0F) : 0.0F;
  } else if constexpr (std::is_same_v<T, std::uint8_t>) {
    return static_cast<float>(static_cast<int>(sample) - 128) / 128.0F;
  } else {
    return static_cast<float>(static_cast<double>(sample) / -static_cast<double>(std::numeric_limits<T>::min()));
  }
}

template <typename T>
void average_channels(const AVFrame& frame, bool planar, std::vector<float>& out) {
  const auto channels = static_cast<std::size_t>(frame.ch_layout.nb_channels);
  const float scale = 1.0F / static_cast<float>(channels);
  for (std::size_t i = 0; i < out.size(); ++i) {
    float sum = 0;
    for (std::size_t c = 0; c < channels; ++c) {
      T sample;
      const std::uint8_t* plane = frame.extended_data[planar ? c : 0];
      std::memcpy(&sample, plane + (planar ? i : i * channels + c) * sizeof(T), sizeof(T));
      sum += to_float(sample);
    }
    out[i] = sum * scale;
  }
}

/// @return false for a sample type that FFmpeg does not use for audio files
bool to_mono(const AVFrame& frame, std::vector<float>& out) {
  out.resize(static_cast<std::size_t>(frame.nb_samples));
  const auto format = static_cast<AVSampleFormat>(frame.format);
  const bool planar = av_sample_fmt_is_planar(format) != 0;
  switch (av_get_packed_sample_fmt(format)) {
    case AV_SAMPLE_FMT_U8:
      average_channels<std::uint8_t>(frame, planar, out);
      return true;
    case AV_SAMPLE_FMT_S16:
      average_channels<std::int16_t>(frame, planar, out);
      return true;
    case AV_SAMPLE_FMT_S32:
      average_channels<std::int32_t>(frame, planar, out);
      return true;
    case AV_SAMPLE_FMT_S64:
      average_channels<std::int64_t>(frame, planar, out);
      return true;
    case AV_SAMPLE_FMT_FLT:
      average_channels<float>(frame, planar, out);
      return true;
    case AV_SAMPLE_FMT_DBL:
      average_channels<double>(frame, planar, out);
      return true;
    default:
      return false;
  }
}

class MediaDecoder {
 public:
  MediaDecoder(std::string_view bytes, int rate_hz, const DecodeLimits& limits, SampleLease& lease)
      : file_{bytes}, limits_(limits), lease_(lease), result_{{}, rate_hz} {}

  Result<PcmBuffer> run() {
    MORGAN_CHECK_OK(open());
    MORGAN_CHECK_OK(open_codec());
    MORGAN_CHECK_OK(expect_length());
    MORGAN_CHECK_OK(decode());
    MORGAN_CHECK_OK(finish_resampler());
    if (result_.samples.empty()) return invalid_audio("the audio file has a header but no samples that can be decoded");
    lease_.shrink_to(result_.samples.size());
    return std::move(result_);
  }

 private:
  Failure too_long() const {
    return fail(Error{ErrorCode::kTooLarge,
                      fmt::format("the audio is longer than the limit of {:g} seconds", limits_.max_seconds)});
  }

  Result<void> open() {
    auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBufferBytes));
    io_.reset(avio_alloc_context(buffer, kIoBufferBytes, 0, &file_, read_memory, nullptr, seek_memory));
    AVFormatContext* format = avformat_alloc_context();
    format->pb = io_.get();
    format->flags |= AVFMT_FLAG_CUSTOM_IO;
    format->io_open = refuse_to_open;
    format->max_streams = 64;
    Options options;
    options.set("format_whitelist", kDemuxers);
    options.set("codec_whitelist", kDecoders);
    options.set("protocol_whitelist", "none");
    // FFmpeg tries every demuxer on the samples of a wav, lest they be DTS; one small packet of that is
    // enough (18 of 20 ms for an 11 s file went there).
    options.set("max_probe_packets", "1");
    // On failure FFmpeg frees `format` itself.
    const int status = avformat_open_input(&format, nullptr, nullptr, options.get());
    if (status < 0) {
      return invalid_audio(
          fmt::format("not an audio file that Morgan can read ({}); send wav, mp3, m4a, ogg, opus, webm, flac or aac",
                      status == AVERROR_EOF ? "it ends inside its header" : ffmpeg_error(status)));
    }
    format_.reset(format);
    if (const int info = avformat_find_stream_info(format, nullptr); info < 0) {
      return invalid_audio(fmt::format("the audio file is damaged: {}", ffmpeg_error(info)));
    }
    return {};
  }

  Result<void> open_codec() {
    const AVCodec* codec = nullptr;
    stream_ = av_find_best_stream(format_.get(), AVMEDIA_TYPE_AUDIO, -1, -1, &codec, 0);
    if (stream_ == AVERROR_STREAM_NOT_FOUND) return invalid_audio("the file has no audio track");
    if (stream_ < 0 || codec == nullptr)
      return invalid_audio("the audio in this file uses a codec that is not supported");
    for (unsigned i = 0; i < format_->nb_streams; ++i) {
      if (static_cast<int>(i) != stream_) format_->streams[i]->discard = AVDISCARD_ALL;
    }
    const AVStream& stream = *format_->streams[stream_];
    codec_.reset(avcodec_alloc_context3(codec));
    if (avcodec_parameters_to_context(codec_.get(), stream.codecpar) < 0) {
      return invalid_audio("the audio file has impossible parameters");
    }
    codec_->pkt_timebase = stream.time_base;
    codec_->thread_count = 1;
    Options options;
    options.set("codec_whitelist", kDecoders);
    if (const int status = avcodec_open2(codec_.get(), codec, options.get()); status < 0) {
      return invalid_audio(
          fmt::format("the codec '{}' of this audio file cannot be decoded: {}", codec->name, ffmpeg_error(status)));
    }
    return {};
  }

  /// Refuses by the stated length, before hours are decoded, and else makes room for it.
  Result<void> expect_length() {
    const double seconds = expected_seconds(*format_->streams[stream_]);
    const bool guessed = format_->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE && !has_fixed_bits();
    if (!guessed && seconds > limits_.max_seconds + kStatedTolerance) return too_long();
    return hold(samples_of(std::min(seconds, limits_.max_seconds)));
  }

  /// 0: nothing tells. A streamed wav states a length of days; where each sample has its bits, the size knows better.
  double expected_seconds(const AVStream& stream) const {
    const bool told = stream.duration != AV_NOPTS_VALUE && stream.duration > 0;
    const double stated = told ? static_cast<double>(stream.duration) * av_q2d(stream.time_base) : 0;
    if (!has_fixed_bits()) return stated;
    const double bits_per_second = static_cast<double>(av_get_exact_bits_per_sample(codec_->codec_id)) *
                                   codec_->ch_layout.nb_channels * codec_->sample_rate;
    const double by_size = static_cast<double>(file_.bytes.size()) * 8 / bits_per_second;
    return told ? std::min(stated, by_size) : by_size;
  }

  bool has_fixed_bits() const {
    return av_get_exact_bits_per_sample(codec_->codec_id) > 0 && codec_->ch_layout.nb_channels > 0 &&
           codec_->sample_rate > 0;
  }

  std::size_t samples_of(double seconds) const { return static_cast<std::size_t>(seconds * result_.rate_hz); }

  Result<void> hold(std::size_t samples) {
    MORGAN_CHECK_OK(lease_.grow_to(samples));
    result_.samples.reserve(samples);
    return {};
  }

  /// For what came without a true length. By less than the vector would, which doubles, and to no more than the limit.
  Result<void> make_room(std::size_t more) {
    const std::size_t needed = result_.samples.size() + more;
    if (needed <= result_.samples.capacity()) return {};
    return hold(std::max(needed, std::min(needed + needed / 2, samples_of(limits_.max_seconds))));
  }

  Result<void> decode() {
    const PacketPtr packet(av_packet_alloc());
    const FramePtr frame(av_frame_alloc());
    for (int errors = 0; errors < kReadErrorsInARow;) {
      const int status = av_read_frame(format_.get(), packet.get());
      if (status == AVERROR_EOF) break;
      if (status < 0) {
        ++errors;
        continue;
      }
      errors = 0;
      // A packet that cannot be decoded is skipped, as a player would; the samples around it count.
      if (packet->stream_index == stream_ && avcodec_send_packet(codec_.get(), packet.get()) >= 0) {
        MORGAN_CHECK_OK(take_frames(*frame));
      }
      av_packet_unref(packet.get());
    }
    avcodec_send_packet(codec_.get(), nullptr);
    return take_frames(*frame);
  }

  Result<void> take_frames(AVFrame& frame) {
    while (avcodec_receive_frame(codec_.get(), &frame) >= 0) {
      const Result<void> added = add_frame(frame);
      av_frame_unref(&frame);
      MORGAN_CHECK_OK(added);
    }
    return {};
  }

  Result<void> add_frame(const AVFrame& frame) {
    if (frame.nb_samples <= 0 || frame.sample_rate <= 0 || frame.ch_layout.nb_channels <= 0) return {};
    seconds_ += static_cast<double>(frame.nb_samples) / frame.sample_rate;
    if (seconds_ > limits_.max_seconds) return too_long();
    if (!to_mono(frame, mono_)) return invalid_audio("the audio file uses an unknown sample type");
    // Chained Ogg and joined mp3 files may change the rate on the way.
    if (frame.sample_rate != source_rate_) {
      MORGAN_CHECK_OK(finish_resampler());
      auto resampler = Resampler::create(frame.sample_rate, result_.rate_hz);
      if (!resampler) return invalid_audio(fmt::format("the audio file cannot be used: {}", resampler.error().message));
      resampler_ = std::move(*resampler);
      source_rate_ = frame.sample_rate;
    }
    if (source_rate_ == result_.rate_hz) return append(mono_);
    return append(resampler_->push(mono_));
  }

  Result<void> finish_resampler() {
    const auto resampler = std::exchange(resampler_, nullptr);
    return resampler == nullptr ? Result<void>() : append(resampler->finish());
  }

  /// Clamped, for the resampler's filter overshoots a little at full scale.
  Result<void> append(const std::vector<float>& samples) {
    MORGAN_CHECK_OK(make_room(samples.size()));
    const std::size_t before = result_.samples.size();
    result_.samples.resize(before + samples.size());
    std::transform(samples.begin(), samples.end(), result_.samples.begin() + static_cast<std::ptrdiff_t>(before),
                   [](float sample) { return std::clamp(sample, -1.0F, 1.0F); });
    return {};
  }

  MemoryFile file_;
  DecodeLimits limits_;
  SampleLease& lease_;
  PcmBuffer result_;
  IoPtr io_;  // outlives format_, which reads through it
  InputPtr format_;
  CodecPtr codec_;
  int stream_ = -1;
  double seconds_ = 0;
  int source_rate_ = 0;
  std::unique_ptr<Resampler> resampler_;
  std::vector<float> mono_;
};

}  // namespace

Result<PcmBuffer> decode_media(std::string_view bytes, int rate_hz, const DecodeLimits& limits, SampleLease* lease) {
  silence_ffmpeg();
  if (bytes.empty()) return invalid_audio("the audio file is empty (0 bytes)");
  SampleLease own;
  return MediaDecoder(bytes, rate_hz, limits, lease != nullptr ? *lease : own).run();
}

}  // namespace morgan::audio
