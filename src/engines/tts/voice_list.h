// A fixed list of voices and the look-up that every synthesizer answers with. Private to tts/.
#pragma once

#include "engines/tts/tts_engine.h"

#include <span>
#include <string>
#include <vector>

namespace morgan::engines {

/// @param default_voice what "default" and "" mean
/// @param other_names that the caller knows voices by: they are suggested, not found
/// @error kNotFound, reason VOICE_NOT_FOUND  names the nearest
Result<Voice> voice_named(std::span<const Voice> voices, const std::string& name, const std::string& default_voice,
                          std::span<const std::string> other_names = {});

}  // namespace morgan::engines
