#include "cli/audio_file.h"

#include "base/strings.h"

namespace morgan::cli {

Result<audio::AudioFormat> format_of(const std::filesystem::path& output) {
  const std::string extension = to_lower_ascii(output.extension().string());
  if (extension.empty()) return audio::AudioFormat::kWav;
  if (extension == ".ogg") return audio::AudioFormat::kOpus;
  if (const auto format = audio::parse_audio_format(extension.substr(1))) return *format;
  return fail(ErrorCode::kInvalidArgument,
              "cannot write " + extension + "; use .wav, .mp3, .opus, .flac, .aac or .pcm");
}

}  // namespace morgan::cli
