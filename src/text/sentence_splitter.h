// Cuts text into pieces that are spoken one after another. Knows abbreviations, numbers, initials,
// quotes, lists, ellipses, markdown and CJK full stops. Two forms: the whole text at once, and as a
// language model writes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace morgan::text {

struct SplitOptions {
  /// The first piece may end at a comma, colon or dash once it has this many characters, so that
  /// speech starts early; 0 keeps whole sentences.
  std::size_t first_clause_chars = 24;
  /// Longer pieces are cut at the best blank before this many characters.
  std::size_t max_chars = 300;
};

/// Pieces in order; joined with blanks they are the text. Empty for text without a letter or digit.
std::vector<std::string> split_sentences(std::string_view text, const SplitOptions& options = {});

/// The same, fed in arbitrary pieces of valid UTF-8.
class StreamingSplitter {
 public:
  explicit StreamingSplitter(SplitOptions options = {});
  /// @return the pieces that are certain to be complete
  std::vector<std::string> push(std::string_view text);
  /// @return what is left
  std::vector<std::string> finish();

 private:
  SplitOptions options_;
  std::string pending_;
  bool first_ = true;
};

}  // namespace morgan::text
