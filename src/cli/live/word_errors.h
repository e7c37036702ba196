// Word error rate: edits per word of what was said. Case and punctuation do not count. @thread any
#pragma once

#include <cstddef>
#include <string_view>

namespace morgan::cli {

struct WordErrors {
  std::size_t edits = 0;
  std::size_t words = 0;  ///< of what was said

  double rate() const { return words == 0 ? 0 : static_cast<double>(edits) / static_cast<double>(words); }
};

WordErrors count_word_errors(std::string_view said, std::string_view heard);
/// Words as they are counted: runs of letters, digits and apostrophes.
std::size_t count_words(std::string_view text);

}  // namespace morgan::cli
