// What /ws/audio says, as JSON text; every message has the five fields that older clients expect.
#pragma once

#include "audio/pcm.h"
#include "base/error.h"
#include "base/json_util.h"
#include "dialogue/live/live_types.h"

#include <string>

namespace morgan::services::wire {

/// {type, text, confidence, is_final, error}: null where they say nothing.
OrderedJson message(const std::string& type);
OrderedJson status(const std::string& text);
OrderedJson transcription(std::int64_t turn, const engines::Hypothesis& hypothesis, bool is_final);
OrderedJson words(std::int64_t response, int rate_hz, const std::vector<dialogue::live::HeardWord>& words);
OrderedJson error(const Error& error, bool fatal);
/// A whole wav in base64, as the older API sends it.
OrderedJson wav_audio(std::int64_t response, audio::PcmView pcm);

}  // namespace morgan::services::wire
