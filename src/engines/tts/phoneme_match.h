// Finds the words of a clause in the phonemes of the whole clause, by the phonemes of each word alone.
// Private to tts/.
#pragma once

#include "engines/tts/phonemizer.h"

#include <cstdint>
#include <string>
#include <vector>

namespace morgan::engines {

/// The cheapest way to make one of the other (edit distance; vowels differ less from each other than from
/// consonants, for a word alone is stressed) gives each phoneme of `clause` its word. Never falls.
/// @param apart  the phonemes of the words, one word behind the other
std::vector<std::uint32_t> matched_words(const std::u32string& clause, const Phonemes& apart);

}  // namespace morgan::engines
