// Smart Turn v3.2 (BSD-2) by ONNX Runtime: input_features [1,80,800], Whisper log-mel of the last 8 s.
#pragma once

#include "engines/turn/turn_engine.h"

#include <filesystem>
#include <memory>

namespace morgan::engines {

/// @error kNotFound, kCorrupt  the model file
Result<std::unique_ptr<TurnEngine>> load_smart_turn(const std::filesystem::path& model);

}  // namespace morgan::engines
