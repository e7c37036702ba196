// openWakeWord by ONNX Runtime: 80 ms of samples to log-mel frames, the last 76 of these to one embedding, the last 16
// of these to a probability for each phrase.
#pragma once

#include "engines/wake/wake_engine.h"

#include <filesystem>
#include <memory>

namespace morgan::engines {

struct OpenWakeWordOptions {
  std::filesystem::path folder;  ///< with melspectrogram.onnx, embedding_model.onnx, and a model for each phrase
  float threshold = 0.5F;        ///< a phrase was said at or above
};

/// @error kNotFound, kCorrupt  a model file
Result<std::unique_ptr<WakeEngine>> load_open_wake_word(const OpenWakeWordOptions& options);

}  // namespace morgan::engines
