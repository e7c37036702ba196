// Language models in GGUF by llama.cpp's server-context library: continuous batching, prompt cache,
// chat templates, tool calls and grammars are its own.
#pragma once

#include "engines/llm/llm_engine.h"

#include <filesystem>
#include <memory>

namespace morgan::engines {

struct LlamaOptions {
  std::filesystem::path model;  ///< GGUF file
  std::string model_name;       ///< catalogue id, shown as "model"
  int threads = 2;
  int context_tokens = 4096;     ///< per slot
  int slots = 2;                 ///< answers generated at once
  bool gpu = false;              ///< compute on find_gpu()'s device
  std::size_t queue_limit = 16;  ///< requests beyond the slots; more: kOverloaded
};

/// Loads and warms up; the engine's loop runs on a thread of its own until destruction.
/// @error kNotFound, kCorrupt  the model file
Result<std::unique_ptr<LlmEngine>> load_llama(const LlamaOptions& options);

}  // namespace morgan::engines
