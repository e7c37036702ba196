// Piper voices (VITS) by ONNX Runtime, phonemes by espeak-ng.
#pragma once

#include "engines/tts/tts_engine.h"

#include <filesystem>
#include <memory>

namespace morgan::engines {

struct PiperOptions {
  std::filesystem::path model;  ///< en_US-joe-medium.onnx; the .json beside it is read too
  std::string voice_name;       ///< "joe"
  std::string model_name;       ///< catalogue id
  std::string gender = {};
  int threads = 2;
  bool gpu = false;                        ///< as onnx::SessionOptions has it
  std::filesystem::path graph_cache = {};  ///< as onnx::SessionOptions has it
};

/// @error kNotFound, kCorrupt  the model or its configuration
Result<std::unique_ptr<TtsEngine>> load_piper(const PiperOptions& options);

}  // namespace morgan::engines
