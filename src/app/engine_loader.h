// From configuration to loaded engines: the only place that names concrete backends.
#pragma once

#include "app/app_config.h"
#include "base/result.h"
#include "engines/embed/embed_engine.h"
#include "engines/llm/llm_engine.h"
#include "engines/stt/stt_engine.h"
#include "engines/tts/tts_engine.h"
#include "engines/turn/turn_engine.h"
#include "engines/vad/vad_engine.h"
#include "engines/wake/wake_engine.h"
#include "models/model_store.h"

#include <memory>
#include <string>
#include <vector>

namespace morgan::app {

/// Which roles a process needs.
struct EngineRoles {
  bool vad = false;
  bool turn = false;
  bool wake = false;  ///< if its model is there
  bool stt = false;
  bool llm = false;
  bool tts = false;
  bool embed = false;
  /// `serve core` alone: llm, tts and stt are other Morgans, at core.*_url.
  bool over_http = false;
};

/// A part that could not be loaded, though Morgan can run without it.
struct MissingPart {
  std::string name;
  std::string why;
};

/// Loaded and warm. Members are declared in dependency order: stt uses vad.
struct EngineSet {
  std::unique_ptr<engines::VadEngine> vad;
  std::unique_ptr<engines::TurnEngine> turn;
  std::unique_ptr<engines::WakeEngine> wake;
  std::unique_ptr<engines::SttEngine> stt;
  std::unique_ptr<engines::LlmEngine> llm;
  std::unique_ptr<engines::TtsEngine> tts;
  std::unique_ptr<engines::EmbedEngine> embed;
  std::vector<MissingPart> missing;

  std::vector<engines::EngineInfo> infos() const;
};

/// Loads what `roles` asks for, in parallel. VAD, speech to text, the language model and one voice are
/// required; turn detection, wake words, embeddings and the second voice family are not: they go into `missing`.
/// @error the first required engine's, with its role in the message
Result<EngineSet> load_engines(const AppConfig& config, const models::ModelStore& store, const EngineRoles& roles);

}  // namespace morgan::app
