// Reads the recordings of the unit tests: 16-bit mono PCM at 16 kHz, so that engine tests need no decoder.
#pragma once

#include "audio/pcm16.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace morgan::test_support {

/// @param name below $MORGAN_TEST_AUDIO; nullopt when that is not set or the file is of another form
inline std::optional<audio::PcmBuffer> read_test_wav(const std::string& name) {
  const char* folder = std::getenv("MORGAN_TEST_AUDIO");
  if (folder == nullptr) return std::nullopt;
  std::ifstream stream(std::filesystem::path(folder) / name, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  const std::size_t data = bytes.find("data");
  std::uint32_t rate = 0;
  if (data == std::string::npos || data + 8 > bytes.size()) return std::nullopt;
  std::memcpy(&rate, bytes.data() + 24, sizeof rate);
  if (rate != audio::kSpeechRate) return std::nullopt;
  audio::PcmBuffer pcm;
  for (std::size_t at = data + 8; at + 2 <= bytes.size(); at += 2) {
    std::int16_t sample = 0;
    std::memcpy(&sample, bytes.data() + at, sizeof sample);
    pcm.samples.push_back(audio::from_pcm16(sample));
  }
  return pcm;
}

}  // namespace morgan::test_support
