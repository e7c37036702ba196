// Whatever people send (wav, mp3, m4a, ogg, opus, webm, flac; any rate and channel count) to mono float
// at the wanted rate. FFmpeg demuxes and decodes from memory, soxr resamples, channels are averaged.
#pragma once

#include "audio/pcm.h"
#include "audio/sample_budget.h"
#include "base/result.h"

#include <string_view>

namespace morgan::audio {

struct DecodeLimits {
  /// Longest audio that is accepted, seconds; decoding stops there, so a bomb costs no more.
  double max_seconds = 3 * 3600.0 - 1;
};

/// @param bytes  a whole file, any container that FFmpeg knows from the list above
/// @param rate_hz  rate of the result
/// @error kInvalidArgument, reason INVALID_AUDIO  empty, not audio, header only, no samples
/// @param lease  counts the result for as long as the caller keeps it; null: it counts while it is decoded
/// @error kTooLarge  longer than the limit, as its header says or as is found on the way
/// @error kOverloaded  others hold too many samples, see SampleBudget
/// A file cut short is decoded as far as it goes. @thread any
Result<PcmBuffer> decode_media(std::string_view bytes, int rate_hz, const DecodeLimits& limits = {},
                               SampleLease* lease = nullptr);

}  // namespace morgan::audio
