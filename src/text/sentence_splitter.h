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
  /// For an answer that is spoken while it is written. The first words are a piece as soon as there are about 3 to 6,
  /// cut at a mark, before a clause, a phrase or a verb, at last between any two words that do not belong together;
  /// the pieces after them grow to whole sentences. Then first_clause_chars means nothing.
  bool eager = false;
};

/// Pieces in order; joined with blanks they are the text. Empty for text without a letter or digit.
std::vector<std::string> split_sentences(std::string_view text, const SplitOptions& options = {});

/// What has been cut off a text so far.
struct SplitProgress {
  bool first = true;  ///< nothing
  std::size_t words = 0;
};

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
  SplitProgress progress_;
};

}  // namespace morgan::text
