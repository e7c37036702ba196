// When not to believe Whisper: repetition, low probability, text where nothing was said.
#pragma once

#include "engines/stt/stt_engine.h"

#include <string_view>

namespace morgan::engines {

/// Bytes over deflated bytes; text in a loop compresses well. 1 for short text, whose ratio says nothing.
float compression_ratio(std::string_view text);

/// The same one to eight words at least four times in a row.
bool has_repetition(std::string_view text);

/// More text than this in so much audio is a loop.
std::size_t most_tokens(double seconds);

/// A window's text that must be decoded again. @param seconds of the window
/// @source Whisper's transcribe.py: ratio above 2.4 or mean log probability below -1
bool is_doubtful(const std::vector<SttSegment>& segments, double seconds);

/// A segment that stands for silence: Whisper believes that nobody spoke and is unsure of every word.
bool is_silence(const SttSegment& segment);

/// The same words once more in less than half of the time: said after the end of a short recording, not by anybody.
bool is_echo(const SttSegment& segment, const SttSegment& before);

}  // namespace morgan::engines
