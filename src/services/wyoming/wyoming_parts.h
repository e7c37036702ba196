// What the requests of Wyoming clients are answered with. Everything here outlives the service.
#pragma once

#include "base/metrics.h"
#include "dialogue/conversation_service.h"
#include "engines/stt/stt_engine.h"
#include "engines/tts/tts_engine.h"
#include "engines/vad/vad_engine.h"
#include "engines/wake/wake_engine.h"

#include <cstddef>
#include <string>

namespace morgan::services {

struct WyomingParts {
  engines::SttEngine* stt = nullptr;                  ///< null: no asr
  engines::TtsEngine* tts = nullptr;                  ///< null: no tts
  engines::VadEngine* vad = nullptr;                  ///< null: no vad, and everything counts as speech
  engines::WakeEngine* wake = nullptr;                ///< null: no wake words
  dialogue::ConversationService* dialogue = nullptr;  ///< null: no handle
  Metrics* metrics = nullptr;
  std::string version;                ///< Morgan's
  double max_audio_seconds = 10'799;  ///< of one utterance
  std::size_t max_text_chars = 20'000;
};

}  // namespace morgan::services
