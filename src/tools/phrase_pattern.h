// Sentence patterns of frequent requests, after the manner of Home Assistant's sentence templates:
//   "(set|start) [a|an] [{label:text}] timer (for|of) {length:duration}"
// [..] may be missing, (a|b) is one of them, {name:kind} is a value. A pattern fits a request as a whole or not at all.
#pragma once

#include "tools/spoken_words.h"
#include "tools/time_phrases.h"

#include <cctz/civil_time.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::tools {

/// What a slot matched.
struct PhraseValue {
  SpokenWords words;
  double number = 0;  ///< of a number; seconds of a duration; 0 of a unit and a text
  std::string text;   ///< canonical name of a unit
  SpokenMoment moment;
};

using PhraseValues = std::map<std::string, PhraseValue, std::less<>>;

/// @thread any, concurrently
class PhrasePattern {
 public:
  /// Kinds: text (one to twelve words), number, duration, moment, unit. Aborts on a pattern that is malformed: they are
  /// part of the program.
  explicit PhrasePattern(std::string_view pattern);
  ~PhrasePattern();
  PhrasePattern(PhrasePattern&&) noexcept;
  PhrasePattern& operator=(PhrasePattern&&) noexcept;

  /// Texts take as few words as the rest allows. @param steps  what was tried is added: the cost of it; may be null
  std::optional<PhraseValues> match(SpokenWords words, cctz::civil_second now, long long* steps = nullptr) const;

  struct Node;

 private:
  std::vector<Node> nodes_;
};

}  // namespace morgan::tools
