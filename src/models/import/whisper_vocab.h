// The words of Whisper's tokenizer as whisper.cpp wants them: raw bytes, without the special tokens.
#pragma once

#include "base/result.h"

#include <filesystem>
#include <string>
#include <vector>

namespace morgan::models {

/// Reads vocabulary.txt, vocabulary.json or tokenizer.json, the first that is there.
/// @error kNotFound  none   @error kCorrupt
Result<std::vector<std::string>> read_whisper_vocab(const std::filesystem::path& folder);

}  // namespace morgan::models
