// Whisper's tokens joined to words, with times that make sense.
#pragma once

#include "engines/stt/stt_engine.h"

#include <string>
#include <vector>

namespace morgan::engines {

struct WhisperToken {
  std::string text;  ///< may be a part of a UTF-8 character
  double start_seconds = 0;
  double end_seconds = 0;
  float probability = 0;
};

/// A word begins at a token with a leading blank; punctuation joins the word before it.
std::vector<SttWord> words_of(const std::vector<WhisperToken>& tokens);

/// Moves a segment and its words in time.
void shift(SttSegment& segment, double seconds);

/// Makes a segment's word times monotone and puts them inside the segment.
void fit_words(SttSegment& segment);

}  // namespace morgan::engines
