// The audio file that a command writes.
#pragma once

#include "audio/media_encoder.h"
#include "base/result.h"

#include <filesystem>

namespace morgan::cli {

/// By the extension; WAV for none and for standard output. @error kInvalidArgument  names those that are known
Result<audio::AudioFormat> format_of(const std::filesystem::path& output);

}  // namespace morgan::cli
