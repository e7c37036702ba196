// Speech to the formats that clients ask for, as a stream: feed samples, take bytes. One encoder per
// answer. FFmpeg encodes mp3, opus (in Ogg), aac (ADTS) and flac; wav and pcm are written here.
#pragma once

#include "audio/pcm.h"
#include "base/result.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace morgan::audio {

enum class AudioFormat : std::uint8_t { kWav, kMp3, kOpus, kAac, kFlac, kPcm };

/// "wav", "mp3", "opus" (also "ogg"), "aac", "flac", "pcm" (little-endian PCM16).
std::optional<AudioFormat> parse_audio_format(std::string_view name);
std::string_view to_string(AudioFormat format);
/// "audio/wav", "audio/mpeg", "audio/ogg; codecs=opus", "audio/aac", "audio/flac", "audio/pcm".
std::string_view content_type(AudioFormat format);

class MediaEncoder {
 public:
  virtual ~MediaEncoder() = default;
  /// @param samples mono float, at the rate given to make_encoder
  /// @return bytes that are ready, maybe none
  virtual Result<std::string> push(std::span<const float> samples) = 0;
  /// The last bytes. Call once.
  virtual Result<std::string> finish() = 0;
};

/// @param input_rate_hz   rate of the samples that will be pushed
/// @param output_rate_hz  rate of the file, 0: as the input. Opus always uses 48 kHz.
/// A streamed wav cannot know its length: its header says 0xFFFFFFFF, as players expect of a stream.
/// @error kInvalidArgument  a rate outside 8,000..48,000 Hz
Result<std::unique_ptr<MediaEncoder>> make_encoder(AudioFormat format, int input_rate_hz, int output_rate_hz = 0);

/// The whole at once; a wav made here has its true length in the header.
Result<std::string> encode_media(AudioFormat format, PcmView pcm, int output_rate_hz = 0);

}  // namespace morgan::audio
