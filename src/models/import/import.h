// Models of other programs to the formats that Morgan's engines read.
#pragma once

#include "base/result.h"

#include <filesystem>
#include <functional>

namespace morgan::models {

using ImportProgress = std::function<void(double fraction)>;

/// A faster-whisper (CTranslate2) folder (model.bin, tokenizer.json or vocabulary.*, config.json) to
/// whisper.cpp's ggml. @param quantize_q8 two-dimensional weights to q8_0, else f16 as they are
/// @error kNotFound  a file is missing   @error kCorrupt   @error kUnsupported  not a Whisper, int8 weights
Result<void> import_faster_whisper(const std::filesystem::path& folder, const std::filesystem::path& output,
                                   bool quantize_q8, const ImportProgress& progress);

/// all-MiniLM-L6-v2-like BERT (model.safetensors, vocab.txt, config.json) to GGUF, f16.
/// @error as above
Result<void> import_minilm(const std::filesystem::path& folder, const std::filesystem::path& output,
                           const ImportProgress& progress);

}  // namespace morgan::models
