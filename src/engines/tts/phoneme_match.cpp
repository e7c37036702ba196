#include "engines/tts/phoneme_match.h"

#include <algorithm>

namespace morgan::engines {

namespace {

/// Above this many pairs the words share the clause by their length: a clause without marks as long as that (800
/// phonemes) is nothing that is spoken.
constexpr std::size_t kMostPairs = 640'000;

constexpr int kSkip = 2;

bool is_vowel(char32_t code) {
  constexpr std::u32string_view kVowels =
      U"aeiouy\u00E6\u0250\u0251\u0252\u0254\u0259\u025A\u025B\u025C\u026A\u028A\u028C\u1D7B";
  return kVowels.find(code) != std::u32string_view::npos;
}

/// Stress, length, ties and blanks: they come and go with the neighbours.
bool is_modifier(char32_t code) {
  return code == 0x02C8 || code == 0x02CC || code == 0x02D0 || code == '^' || code == ' ';
}

int replace_cost(char32_t a, char32_t b) {
  if (a == b) return 0;
  if (is_modifier(a) || is_modifier(b)) return 2 * kSkip;
  return is_vowel(a) && is_vowel(b) ? 1 : is_vowel(a) == is_vowel(b) ? 3 : 2 * kSkip;
}

int skip_cost(char32_t code) {
  return is_modifier(code) ? 1 : kSkip;
}

std::vector<std::uint32_t> shared_by_length(std::size_t clause, const Phonemes& apart) {
  std::vector<std::uint32_t> words(clause, apart.words.empty() ? 0 : apart.words.front());
  for (std::size_t i = 0; i < clause && !apart.words.empty(); ++i)
    words[i] = apart.words[i * apart.words.size() / clause];
  return words;
}

}  // namespace

std::vector<std::uint32_t> matched_words(const std::u32string& clause, const Phonemes& apart) {
  const std::size_t rows = clause.size();
  const std::size_t columns = apart.codes.size();
  if (columns == 0 || rows * columns > kMostPairs) return shared_by_length(rows, apart);
  // cost[i][j]: of making the first i of the clause from the first j of the words.
  std::vector<int> cost((rows + 1) * (columns + 1));
  const auto at = [&](std::size_t i, std::size_t j) -> int& { return cost[i * (columns + 1) + j]; };
  for (std::size_t i = 1; i <= rows; ++i)
    at(i, 0) = at(i - 1, 0) + skip_cost(clause[i - 1]);
  for (std::size_t j = 1; j <= columns; ++j)
    at(0, j) = at(0, j - 1) + skip_cost(apart.codes[j - 1]);
  for (std::size_t i = 1; i <= rows; ++i) {
    for (std::size_t j = 1; j <= columns; ++j) {
      at(i, j) = std::min({at(i - 1, j - 1) + replace_cost(clause[i - 1], apart.codes[j - 1]),
                           at(i - 1, j) + skip_cost(clause[i - 1]), at(i, j - 1) + skip_cost(apart.codes[j - 1])});
    }
  }
  std::vector<std::uint32_t> words(rows);
  std::size_t j = columns;
  for (std::size_t i = rows; i > 0;) {
    if (j > 0 && at(i, j) == at(i - 1, j - 1) + replace_cost(clause[i - 1], apart.codes[j - 1])) {
      words[--i] = apart.words[--j];
    } else if (j > 0 && at(i, j) == at(i, j - 1) + skip_cost(apart.codes[j - 1])) {
      --j;
    } else {
      --i;
      // Stress is written before its sound: it goes with what follows.
      const bool with_next = is_modifier(clause[i]) && clause[i] != ' ' && i + 1 < rows;
      words[i] = with_next ? words[i + 1] : apart.words[j > 0 ? j - 1 : 0];
    }
  }
  return words;
}

}  // namespace morgan::engines
