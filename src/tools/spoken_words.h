// A request as its words, ready to be matched: lower case, without punctuation, numbers read ("twenty five", "12.5",
// "half"), each with its place in what was said. English.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::tools {

struct SpokenWord {
  std::string text;  ///< "kitchen", "7:30", "12.5", "%"
  std::size_t begin = 0;
  std::size_t end = 0;  ///< bytes of what was said
};

using SpokenWords = std::span<const SpokenWord>;

/// Typographic apostrophes made plain ones: what the functions below take.
std::string plain_text(std::string_view said);

/// "What's 20% of five?" is what, is, 20, %, of, five.
std::vector<SpokenWord> words_of(std::string_view said);

/// Without what only makes a request polite: "hey Morgan, could you ... for me, please".
SpokenWords without_padding(SpokenWords words);

/// What was said from the first to the last of these words, without punctuation around it.
std::string said_by(std::string_view said, SpokenWords words);

struct SpokenNumber {
  double value = 0;
  std::size_t words = 0;  ///< how many it took
};

/// The number that `words` begin with: digits, number words, halves and quarters.
std::optional<SpokenNumber> number_at(SpokenWords words);

bool is_number_word(std::string_view word);

}  // namespace morgan::tools
