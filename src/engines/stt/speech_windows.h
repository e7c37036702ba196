// Where to listen: the parts of a recording that hold speech, in pieces that Whisper can take whole.
#pragma once

#include "audio/pcm.h"
#include "base/result.h"
#include "engines/vad/vad_engine.h"

#include <vector>

namespace morgan::engines {

/// [begin, end) in samples of the recording.
struct SpeechWindow {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Whisper hears 30 s; a little less keeps its last word whole.
inline constexpr double kLongestWindowSeconds = 28;

/// Speech found by `vad`, neighbours joined up to the longest window; none when nobody speaks.
/// Without a vad: the recording in windows of that length.
Result<std::vector<SpeechWindow>> speech_windows(VadEngine* vad, audio::PcmView pcm);

/// Whether anything at all in it could be a voice: where nothing could, Whisper makes words up.
Result<bool> may_hold_speech(VadEngine& vad, audio::PcmView pcm);

}  // namespace morgan::engines
