// Kokoro-82M by ONNX Runtime, English voices, phonemes by espeak-ng.
#pragma once

#include "engines/tts/tts_engine.h"

#include <filesystem>
#include <memory>

namespace morgan::engines {

struct KokoroOptions {
  std::filesystem::path model;       ///< kokoro-82m-int8.onnx
  std::filesystem::path vocabulary;  ///< vocab.json: symbol to token
  std::filesystem::path voices;      ///< folder of *.bin, float32 [510,1,256], little-endian
  std::string model_name;
  std::string default_voice = "af_heart";
  int threads = 2;
  std::filesystem::path graph_cache = {};  ///< as onnx::SessionOptions has it
};

/// @error kNotFound, kCorrupt
Result<std::unique_ptr<TtsEngine>> load_kokoro(const KokoroOptions& options);

}  // namespace morgan::engines
