// Whisper by whisper.cpp, with audio_ctx cut to the audio and the guards that this needs.
#pragma once

#include "engines/stt/stt_engine.h"
#include "engines/vad/vad_engine.h"

#include <filesystem>
#include <memory>

namespace morgan::engines {

struct WhisperOptions {
  std::filesystem::path model;  ///< ggml file
  std::string model_name;       ///< catalogue id
  int threads = 2;
  bool gpu = false;              ///< compute on the GPU, when the build has it
  std::size_t queue_limit = 16;  ///< callers that may wait
};

/// Loads and warms up. @param vad  finds speech in files; not owned, outlives the engine
/// @error kNotFound, kCorrupt  the model file
Result<std::unique_ptr<SttEngine>> load_whisper(const WhisperOptions& options, VadEngine* vad);

}  // namespace morgan::engines
