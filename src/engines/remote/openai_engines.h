// Engines that are somebody else's server: anything that speaks OpenAI's API (Ollama, vLLM, Speaches,
// Kokoro-FastAPI, OpenAI itself, another Morgan).
#pragma once

#include "engines/embed/embed_engine.h"
#include "engines/llm/llm_engine.h"
#include "engines/stt/stt_engine.h"
#include "engines/tts/tts_engine.h"

#include <chrono>
#include <memory>
#include <string>

namespace morgan::engines {

struct RemoteOptions {
  std::string base_url;  ///< with /v1: "http://127.0.0.1:11434/v1"
  std::string api_key;   ///< sent as a bearer token; "" sends none; never logged
  std::string model;     ///< model at the upstream
  std::string voice;     ///< tts: the default voice there
  std::string ca_file;   ///< PEM: whom to trust over https, beside the system's authorities; "": nobody
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds stall_timeout{60'000};
};

/// None of these calls the upstream; a wrong address shows at the first use, and in /health.
/// @error kInvalidArgument  base_url is not http(s)
Result<std::unique_ptr<LlmEngine>> connect_remote_llm(const RemoteOptions& options);
Result<std::unique_ptr<SttEngine>> connect_remote_stt(const RemoteOptions& options);
Result<std::unique_ptr<TtsEngine>> connect_remote_tts(const RemoteOptions& options);
Result<std::unique_ptr<EmbedEngine>> connect_remote_embed(const RemoteOptions& options);

}  // namespace morgan::engines
