// English abbreviations: which end in a full stop that ends no sentence, and how they are spoken.
// Shared by the splitter and the normaliser. Private to text/.
#pragma once

#include <string_view>

namespace morgan::text {

/// What the full stop after `word` means (the word without that stop: "Dr", "e.g", "U.S").
enum class StopMeaning {
  kSentence,       ///< an ordinary word
  kNever,          ///< "Dr", "e.g": a sentence cannot end here
  kBeforeNumber,   ///< "No", "Fig": an abbreviation when a digit follows, else a word
  kUnlessStarter,  ///< "U.S", "p.m", "J": ends a sentence only before a word that starts sentences
  kUnlessCapital,  ///< "etc": ends a sentence before a capital
};

StopMeaning stop_meaning(std::string_view word);

/// "The", "However": capitalised words that begin sentences much more often than names.
bool is_sentence_starter(std::string_view word);

}  // namespace morgan::text
