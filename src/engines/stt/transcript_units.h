// The pieces that a transcript grows by, compared and aligned: words, or single characters where a script has no
// blanks. What the streaming transcriber does with text, without any audio.
#pragma once

#include "engines/stt/stt_engine.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::engines {

/// One word or, in a script without blanks, one character; punctuation joins what it follows.
struct Unit {
  std::string text;  ///< as written, with its leading blank when it has one
  std::string key;   ///< what was said: lower case, no blanks, no punctuation
  double begin_seconds = 0;
  double end_seconds = 0;
  float probability = 0;
  int seen = 1;  ///< passes in a row that said it
};

/// All units of a transcript in order, times shifted by `offset_seconds`. Times are those of the words when there are
/// as many as the text has, else they are spread over the segment.
std::vector<Unit> units_of(const Transcript& transcript, double offset_seconds);

/// Bytes of `text` without the punctuation at its end.
std::size_t without_punctuation(std::string_view text);

std::string text_of(std::span<const Unit> units);

/// How many units at the beginning of both say the same.
std::size_t common_units(std::span<const Unit> a, std::span<const Unit> b);

/// Where in `heard` the units of `known` end, found by the fewest edits.
struct Alignment {
  std::size_t end = 0;  ///< heard[end] is the first unit after known
  bool clean = true;    ///< known's last unit was heard as such, and nearly all others were
};

/// @param known  what is known to stand at the beginning of the audio that `heard` is of
Alignment align_units(std::span<const Unit> known, std::span<const Unit> heard);

}  // namespace morgan::engines
