// What every loaded engine can say about itself, for /health, /models and the logs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace morgan::engines {

struct EngineInfo {
  std::string role;     ///< "stt", "llm", "tts", "vad", "turn", "embed"
  std::string backend;  ///< "whisper.cpp", "llama.cpp", "piper", "kokoro", "onnxruntime", "openai"
  std::string model;    ///< catalogue id, or the name at the upstream
  std::string detail;   ///< one line: size, quantization, voices, address without secrets
  std::vector<std::string> languages;
  bool remote = false;
};

}  // namespace morgan::engines
