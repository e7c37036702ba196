#include "text/word_errors.h"

#include "base/strings.h"

#include <algorithm>
#include <numeric>

namespace morgan::text {

std::vector<std::string> scored_words(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char letter : to_lower_ascii(text)) {
    const bool belongs = (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') ||
                         static_cast<unsigned char>(letter) >= 0x80;
    if (belongs)
      words.back() += letter;
    else if (letter != '\'' && !words.back().empty())
      words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

WordErrors count_word_errors(std::string_view said, std::string_view heard) {
  const std::vector<std::string> want = scored_words(said);
  const std::vector<std::string> got = scored_words(heard);
  std::vector<std::size_t> row(got.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= want.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= got.size(); ++j) {
      const std::size_t replaced = diagonal + (want[i - 1] == got[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return {row.back(), want.size()};
}

}  // namespace morgan::text
