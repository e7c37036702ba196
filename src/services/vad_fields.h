// Voice activity options and segments on the wire, shared by vad and stt.
#pragma once

#include "engines/vad/vad_engine.h"
#include "services/fields.h"

namespace morgan::services {

/// threshold, min_speech_duration (s) or min_speech_ms, and so on; each also with "vad_" in front.
/// @error kInvalidArgument  with `param`
Result<engines::SegmenterOptions> read_segmenter_options(const Fields& fields);
/// True when the request names any of them.
bool names_segmenter_options(const Fields& fields);

}  // namespace morgan::services
