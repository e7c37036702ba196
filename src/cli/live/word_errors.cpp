#include "cli/live/word_errors.h"

#include "base/strings.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

namespace morgan::cli {

namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char letter : to_lower_ascii(text)) {
    const bool belongs = (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '\'' ||
                         static_cast<unsigned char>(letter) >= 0x80;
    if (belongs)
      words.back() += letter;
    else if (!words.back().empty())
      words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

}  // namespace

WordErrors count_word_errors(std::string_view said, std::string_view heard) {
  const std::vector<std::string> want = words_of(said);
  const std::vector<std::string> got = words_of(heard);
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

std::size_t count_words(std::string_view text) {
  return words_of(text).size();
}

}  // namespace morgan::cli
