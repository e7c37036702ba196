// Sentence embeddings (all-MiniLM-L6-v2 as GGUF) by llama.cpp: mean pooling, L2 norm.
#pragma once

#include "engines/embed/embed_engine.h"

#include <filesystem>
#include <memory>

namespace morgan::engines {

/// @param gpu  compute on find_gpu()'s device
/// @error kNotFound, kCorrupt  the model file
Result<std::unique_ptr<EmbedEngine>> load_llama_embed(const std::filesystem::path& model, std::string model_name,
                                                      int threads, bool gpu = false);

}  // namespace morgan::engines
