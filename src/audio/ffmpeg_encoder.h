// The encoders that FFmpeg provides (mp3, opus, aac, flac) behind MediaEncoder. Private to audio/;
// made by media_encoder.cpp, which resamples and cleans the samples first.
#pragma once

#include "audio/media_encoder.h"
#include "base/result.h"

#include <cstdint>
#include <memory>

namespace morgan::audio {

/// Where the bytes go. A whole file is returned by finish() alone, so that the length, the checksum and
/// the gapless marks can be written back into its header; a stream returns bytes as they come.
enum class Sink : std::uint8_t { kStream, kWhole };

/// The lowest rate of the codec that is not below `rate_hz` (its highest, when all are below).
int nearest_codec_rate(AudioFormat format, int rate_hz);

/// @param rate_hz  one that nearest_codec_rate() gave, 48,000 for opus
/// @error kUnsupported  FFmpeg was built without the codec
Result<std::unique_ptr<MediaEncoder>> make_ffmpeg_encoder(AudioFormat format, int rate_hz, Sink sink);

}  // namespace morgan::audio
