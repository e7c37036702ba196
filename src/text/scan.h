// The state of one pass of normalize_for_speech() and the reader its rules look ahead with. Private to text/.
#pragma once

#include "text/utf8.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace morgan::text {

/// Looks ahead in a text; a rule advances it and, when all fits, hands position() to Scan::say().
class Reader {
 public:
  explicit Reader(std::string_view text, std::size_t at = 0) : text_(text), at_(at) {}

  std::size_t position() const { return at_; }
  void move_to(std::size_t at) { at_ = at; }
  std::string_view rest() const { return text_.substr(std::min(at_, text_.size())); }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  char peek_back() const { return at_ > 0 ? text_[at_ - 1] : ' '; }
  bool accept(std::string_view words) {
    if (!rest().starts_with(words)) return false;
    at_ += words.size();
    return true;
  }
  /// A run of digits whose whole length is within the bounds; else nothing is read.
  std::optional<int> digits(std::size_t at_least, std::size_t at_most) {
    std::size_t count = 0;
    int value = 0;
    while (is_digit(peek(count)) && count <= at_most)
      value = value * 10 + (peek(count++) - '0');
    if (count < at_least || count > at_most) return std::nullopt;
    at_ += count;
    return value;
  }
  std::string_view letters() {
    const std::size_t start = at_;
    while (is_letter(peek()))
      ++at_;
    return text_.substr(start, at_ - start);
  }
  /// No letter or digit follows.
  bool at_word_end() const {
    const Character c = character_at(text_, at_);
    return c.size == 0 || !is_word_character(c.code);
  }

 private:
  std::string_view text_;
  std::size_t at_;
};

/// A number as written: "1,234.50".
struct WrittenNumber {
  std::string whole;     ///< digits without separators; empty in ".5"
  std::string fraction;  ///< digits after the point
  bool grouped = false;  ///< had thousands separators

  bool is_one() const { return whole == "1" && fraction.empty(); }
};

std::optional<WrittenNumber> read_number(Reader& reader);

class Scan {
 public:
  explicit Scan(std::string_view source) : text(source) {}

  Reader reader() const { return Reader(text, at); }
  bool done() const { return at >= text.size(); }
  char before() const { return at > 0 ? text[at - 1] : ' '; }
  /// True where a word may start: no letter, digit or word-inner apostrophe before, or
  /// only such as were spoken (the D of "3D").
  bool at_word_start() const;
  /// The word that ends before the blanks in front of the position: "King" in "King |Henry"; empty when
  /// punctuation other than a hyphen stands between. `skip` leaves out that many words.
  std::string_view previous_word(int skip = 0) const;
  /// True when only blanks or punctuation that ends a sentence stand before the word before the position.
  bool previous_starts_sentence() const;

  /// Speaks `words` in place of the text up to `end`; blanks between words are seen to.
  void say(std::string_view words, std::size_t end);
  /// Copies the text up to `end` as it is.
  void copy(std::size_t end);

  std::string_view text;
  std::size_t at = 0;
  std::string out;

 private:
  bool spoken_ = false;
};

/// Whether a full stop at `stop`, the last character of an abbreviation, also ends the sentence.
bool stop_ends_sentence(std::string_view text, std::size_t stop);

}  // namespace morgan::text
