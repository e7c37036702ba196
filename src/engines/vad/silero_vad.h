// Silero VAD v6 (MIT) by ONNX Runtime: input [1,576] = 64 samples of context + 512 new, state [2,1,128], sr.
#pragma once

#include "engines/vad/vad_engine.h"

#include <filesystem>
#include <memory>

namespace morgan::engines {

/// @error kNotFound, kCorrupt  the model file
Result<std::unique_ptr<VadEngine>> load_silero_vad(const std::filesystem::path& model);

}  // namespace morgan::engines
