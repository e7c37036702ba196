// The .json beside a Piper voice. Private to tts/.
#pragma once

#include "base/result.h"
#include "engines/tts/phonemizer.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::engines {

struct PiperConfig {
  int sample_rate_hz = 0;
  std::string espeak_voice;  ///< "en-us"
  std::string language;      ///< BCP 47: "en-US"
  float noise_scale = 0.667F;
  float length_scale = 1.0F;
  float noise_w = 0.8F;
  std::map<char32_t, std::vector<std::int64_t>> phoneme_ids;
};

/// @error kNotFound  no file   @error kCorrupt  not a Piper configuration
Result<PiperConfig> load_piper_config(const std::filesystem::path& file);

/// What the model is given, and the word that each id is heard in.
struct PiperInput {
  std::vector<std::int64_t> ids;
  std::vector<std::uint32_t> words;  ///< kNoWord: a blank, a mark, or the edge of the text
};

/// Start, pad, then each phoneme and a pad, end. Accented phonemes are taken apart first ("\u00E7" to "c" and
/// cedilla), as at training; unknown ones are skipped. A pad sounds with the phoneme before it.
PiperInput piper_input(const PiperConfig& config, const Phonemes& phonemes);

}  // namespace morgan::engines
