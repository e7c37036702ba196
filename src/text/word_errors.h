// Word error rate: edits per word of what was said. Case, punctuation and apostrophes do not count. @thread any
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::text {

struct WordErrors {
  std::size_t edits = 0;
  std::size_t words = 0;  ///< of what was said

  double rate() const { return words == 0 ? 0 : static_cast<double>(edits) / static_cast<double>(words); }
};

WordErrors count_word_errors(std::string_view said, std::string_view heard);
/// Words as they are counted, in lower case: runs of letters and digits of any script.
std::vector<std::string> scored_words(std::string_view text);

}  // namespace morgan::text
