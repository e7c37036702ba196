#include "audio/ffmpeg_encoder.h"

#include "audio/ffmpeg_handles.h"
#include "audio/pcm16.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

namespace morgan::audio {
namespace {

constexpr int kWriteBufferBytes = 1 << 14;
constexpr std::int64_t kBitsPerSecond = 64'000;

struct CodecChoice {
  const char* codec;
  const char* muxer;
};

CodecChoice choice(AudioFormat format) {
  switch (format) {
    case AudioFormat::kMp3:
      return {"libmp3lame", "mp3"};
    case AudioFormat::kOpus:
      return {"libopus", "ogg"};
    case AudioFormat::kAac:
      return {"aac", "adts"};
    default:
      return {"flac", "flac"};
  }
}

/// The bytes not yet handed out, with the position the muxer writes at.
struct MemorySink {
  std::string bytes;
  std::size_t position = 0;
};

int write_memory(void* opaque, std::uint8_t* data, int count) {
  auto& sink = *static_cast<MemorySink*>(opaque);
  const auto size = static_cast<std::size_t>(count);
  if (sink.bytes.size() < sink.position + size) sink.bytes.resize(sink.position + size);
  std::memcpy(sink.bytes.data() + sink.position, data, size);
  sink.position += size;
  return count;
}

std::int64_t seek_sink(void* opaque, std::int64_t offset, int whence) {
  auto& sink = *static_cast<MemorySink*>(opaque);
  if ((whence & AVSEEK_SIZE) != 0) return static_cast<std::int64_t>(sink.bytes.size());
  if ((whence & ~AVSEEK_FORCE) != SEEK_SET || offset < 0) return AVERROR(EINVAL);
  sink.position = static_cast<std::size_t>(offset);
  return offset;
}

class FfmpegEncoder final : public MediaEncoder {
 public:
  FfmpegEncoder(AudioFormat format, Sink sink) : format_(format), sink_kind_(sink) {}

  ~FfmpegEncoder() override = default;

  Result<void> open(int rate_hz) {
    MORGAN_CHECK_OK(open_codec(rate_hz));
    return open_muxer();
  }

  Result<std::string> push(std::span<const float> samples) override {
    pending_.insert(pending_.end(), samples.begin(), samples.end());
    const auto frame_size = static_cast<std::size_t>(codec_->frame_size);
    std::size_t used = 0;
    while (pending_.size() - used >= frame_size) {
      MORGAN_CHECK_OK(encode(std::span(pending_).subspan(used, frame_size)));
      used += frame_size;
    }
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(used));
    return sink_kind_ == Sink::kWhole ? std::string() : take();
  }

  Result<std::string> finish() override {
    if (!pending_.empty()) MORGAN_CHECK_OK(encode(pending_));
    pending_.clear();
    MORGAN_CHECK_OK(check(avcodec_send_frame(codec_.get(), nullptr)));
    MORGAN_CHECK_OK(write_packets());
    MORGAN_CHECK_OK(check(av_write_trailer(muxer_.get())));
    avio_flush(io_.get());
    sink_.position = 0;
    return std::exchange(sink_.bytes, {});
  }

 private:
  Result<void> check(int status) const {
    if (status >= 0) return {};
    return fail(ErrorCode::kInternal, fmt::format("encoding {} failed: {}", to_string(format_), ffmpeg_error(status)));
  }

  Result<void> open_codec(int rate_hz) {
    const AVCodec* codec = avcodec_find_encoder_by_name(choice(format_).codec);
    if (codec == nullptr) {
      return fail(ErrorCode::kUnsupported, fmt::format("this FFmpeg has no encoder '{}'", choice(format_).codec));
    }
    codec_.reset(avcodec_alloc_context3(codec));
    codec_->sample_rate = rate_hz;
    codec_->time_base = AVRational{1, rate_hz};
    codec_->ch_layout = AV_CHANNEL_LAYOUT_MONO;
    codec_->bit_rate = format_ == AudioFormat::kFlac ? 0 : kBitsPerSecond;
    codec_->sample_fmt = format_ == AudioFormat::kFlac   ? AV_SAMPLE_FMT_S16
                         : format_ == AudioFormat::kOpus ? AV_SAMPLE_FMT_FLT
                                                         : AV_SAMPLE_FMT_FLTP;
    codec_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
    codec_->thread_count = 1;
    MORGAN_CHECK_OK(check(avcodec_open2(codec_.get(), codec, nullptr)));
    packet_.reset(av_packet_alloc());
    frame_.reset(av_frame_alloc());
    return {};
  }

  Result<void> open_muxer() {
    const bool whole = sink_kind_ == Sink::kWhole;
    auto* buffer = static_cast<unsigned char*>(av_malloc(kWriteBufferBytes));
    io_.reset(
        avio_alloc_context(buffer, kWriteBufferBytes, 1, &sink_, nullptr, write_memory, whole ? seek_sink : nullptr));
    AVFormatContext* muxer = nullptr;
    MORGAN_CHECK_OK(check(avformat_alloc_output_context2(&muxer, nullptr, choice(format_).muxer, nullptr)));
    muxer_.reset(muxer);
    muxer->pb = io_.get();
    muxer->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    muxer->metadata_header_padding = 0;  // flac would reserve 8 kB for tags
    AVStream* stream = avformat_new_stream(muxer, nullptr);
    stream->time_base = codec_->time_base;
    MORGAN_CHECK_OK(check(avcodec_parameters_from_context(stream->codecpar, codec_.get())));
    Options options;
    if (format_ == AudioFormat::kMp3) {
      options.set("id3v2_version", "0");
      options.set("write_xing", whole ? "1" : "0");
    }
    // A page each 100 ms at most, so that a player of the stream starts early.
    if (format_ == AudioFormat::kOpus) options.set("page_duration", "100000");
    return check(avformat_write_header(muxer, options.get()));
  }

  Result<void> encode(std::span<const float> samples) {
    AVFrame& frame = *frame_;
    frame.nb_samples = static_cast<int>(samples.size());
    frame.format = codec_->sample_fmt;
    frame.sample_rate = codec_->sample_rate;
    frame.ch_layout = AV_CHANNEL_LAYOUT_MONO;
    frame.pts = next_pts_;
    next_pts_ += frame.nb_samples;
    MORGAN_CHECK_OK(check(av_frame_get_buffer(&frame, 0)));
    if (codec_->sample_fmt == AV_SAMPLE_FMT_S16) {
      std::vector<std::int16_t> whole(samples.size());
      std::transform(samples.begin(), samples.end(), whole.begin(), to_pcm16);
      std::memcpy(frame.data[0], whole.data(), whole.size() * sizeof(std::int16_t));
    } else {
      std::memcpy(frame.data[0], samples.data(), samples.size_bytes());
    }
    const int status = avcodec_send_frame(codec_.get(), &frame);
    av_frame_unref(&frame);
    MORGAN_CHECK_OK(check(status));
    return write_packets();
  }

  Result<void> write_packets() {
    for (;;) {
      const int status = avcodec_receive_packet(codec_.get(), packet_.get());
      if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return {};
      MORGAN_CHECK_OK(check(status));
      av_packet_rescale_ts(packet_.get(), codec_->time_base, muxer_->streams[0]->time_base);
      packet_->stream_index = 0;
      const int written = av_write_frame(muxer_.get(), packet_.get());
      av_packet_unref(packet_.get());
      MORGAN_CHECK_OK(check(written));
    }
  }

  /// The muxer and the buffer give up all that they hold; the listener should not wait for a full page.
  Result<std::string> take() {
    MORGAN_CHECK_OK(check(av_write_frame(muxer_.get(), nullptr)));
    avio_flush(io_.get());
    sink_.position = 0;
    return std::exchange(sink_.bytes, {});
  }

  AudioFormat format_;
  Sink sink_kind_;
  MemorySink sink_;
  CodecPtr codec_;
  IoPtr io_;  // outlives muxer_, which writes through it
  OutputPtr muxer_;
  PacketPtr packet_;
  FramePtr frame_;
  std::vector<float> pending_;
  std::int64_t next_pts_ = 0;
};

}  // namespace

int nearest_codec_rate(AudioFormat format, int rate_hz) {
  const AVCodec* codec = avcodec_find_encoder_by_name(choice(format).codec);
  if (codec == nullptr || codec->supported_samplerates == nullptr) return rate_hz;
  int above = 0;
  int highest = 0;
  for (const int* rate = codec->supported_samplerates; *rate != 0; ++rate) {
    highest = std::max(highest, *rate);
    if (*rate >= rate_hz && (above == 0 || *rate < above)) above = *rate;
  }
  return above != 0 ? above : highest;
}

Result<std::unique_ptr<MediaEncoder>> make_ffmpeg_encoder(AudioFormat format, int rate_hz, Sink sink) {
  silence_ffmpeg();
  auto encoder = std::make_unique<FfmpegEncoder>(format, sink);
  MORGAN_CHECK_OK(encoder->open(rate_hz));
  return std::unique_ptr<MediaEncoder>(std::move(encoder));
}

}  // namespace morgan::audio
