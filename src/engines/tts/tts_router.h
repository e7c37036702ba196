// Several synthesizers as one: the voice decides which speaks.
#pragma once

#include "engines/tts/tts_engine.h"

#include <memory>
#include <vector>

namespace morgan::engines {

/// @param engines       at least one; earlier ones win a name that two have
/// @param default_voice what "default" means; must be a voice of one of them
/// OpenAI's voice names (alloy, echo, fable, onyx, nova, shimmer, ...) map to the Kokoro voices of the
/// same name or nearest character where those are loaded, else to the default.
Result<std::unique_ptr<TtsEngine>> make_tts_router(std::vector<std::unique_ptr<TtsEngine>> engines,
                                                   std::string default_voice);

}  // namespace morgan::engines
