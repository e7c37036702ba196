// Opus packets as a live connection carries them, one by one, without a container: microphone in, voice out. For
// files see media_encoder.h and media_decoder.h.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::audio {

/// How long a packet is, at 48 kHz; 0: it is none, or longer than 120 ms.
std::size_t opus_packet_samples(std::string_view packet);

/// The rates that Opus knows: 8,000, 12,000, 16,000, 24,000 and 48,000 Hz. Others go through a StreamResampler.
bool is_opus_rate(int rate_hz);

struct OpusOptions {
  int bits_per_second = 32'000;  ///< 6,000..128,000
  int complexity = 5;            ///< 0..10: 5 costs about half of 10 and sounds as good for speech
};

/// Mono speech to packets of 20 ms. @thread one caller at a time
class OpusStreamEncoder {
 public:
  /// @error kInvalidArgument  a rate that Opus does not know, options out of range
  static Result<std::unique_ptr<OpusStreamEncoder>> create(int rate_hz, const OpusOptions& options = {});
  virtual ~OpusStreamEncoder() = default;

  /// @param samples  any number; what is not a number counts as silence
  /// @return the packets that are full now, maybe none
  virtual Result<std::vector<std::string>> push(std::span<const float> samples) = 0;
  /// The rest, filled up with silence, and what the decoder needs to give the last sample. Speech may go on after it.
  virtual Result<std::vector<std::string>> flush() = 0;
  /// By how many samples the decoded signal is late.
  virtual std::size_t delay_samples() const = 0;
};

/// Packets to mono samples; stereo packets are mixed. @thread one caller at a time
class OpusStreamDecoder {
 public:
  /// @error kInvalidArgument  a rate that Opus does not know
  static Result<std::unique_ptr<OpusStreamDecoder>> create(int rate_hz);
  virtual ~OpusStreamDecoder() = default;

  /// @return at most 120 ms, within [-1, 1]
  /// @error kInvalidArgument, reason INVALID_AUDIO  empty, malformed or too long; the stream goes on after it
  virtual Result<std::vector<float>> decode(std::string_view packet) = 0;
  /// For a packet that did not come: as long as the one before, a guess of what was said that fades with each call.
  virtual Result<std::vector<float>> conceal() = 0;
};

}  // namespace morgan::audio
