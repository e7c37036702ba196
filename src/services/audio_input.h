// Audio as clients send it: a multipart file, base64 in JSON, or the body itself; to 16 kHz mono.
#pragma once

#include "audio/pcm.h"
#include "audio/sample_budget.h"
#include "base/result.h"
#include "services/fields.h"
#include "services/service.h"

#include <string_view>

namespace morgan::services {

struct ReceivedAudio {
  audio::PcmBuffer pcm;
  audio::SampleLease lease;  ///< of pcm; kept for as long as that is
};

/// Looks for, in this order: a part `audio`, `file` or `audio_file`; a field `audio_data` or `audio` (base64 of a
/// file, or of PCM16 mono at field `sample_rate`, 16 kHz when absent); the body. @error kInvalidArgument  none
/// was sent; reason INVALID_AUDIO: empty or not audio  @error kTooLarge  too large or too long for the context
/// @error kOverloaded  other requests hold too much audio
Result<ReceivedAudio> read_audio(const net::Request& request, const Fields& fields, const ServiceContext& context);

/// True when the bytes begin like a container or a run of MPEG frames, and so are not raw PCM16.
bool looks_like_media(std::string_view bytes);

}  // namespace morgan::services
