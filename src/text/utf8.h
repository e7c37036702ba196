// Characters of UTF-8 text and the classes of them that the text modules need. Private to text/.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace morgan::text {

inline constexpr char32_t kReplacement = 0xFFFD;

/// One character and the bytes it takes.
struct Character {
  char32_t code = 0;
  std::size_t size = 0;    ///< 0 at the end of the text
  bool truncated = false;  ///< the text ends inside this character
};

/// The character at `at`. A byte that belongs to no character is kReplacement of size 1.
Character character_at(std::string_view text, std::size_t at);
/// The character that ends before `at`; size 0 at the start.
Character character_before(std::string_view text, std::size_t at);
void append_utf8(std::string& out, char32_t code);
std::size_t count_characters(std::string_view text);

inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
inline bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
inline bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
inline bool is_letter(char c) {
  return is_upper(c) || is_lower(c);
}
inline bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// A letter or digit of any script.
bool is_word_character(char32_t code);
/// Pictographs and the marks that only build them (joiners, skin tones, variation selectors).
bool is_emoji(char32_t code);
/// C0 and C1 controls but not tab and line feed, zero-width and direction marks, the byte-order mark.
bool is_invisible(char32_t code);
/// Han, kana and their punctuation: scripts written without blanks.
bool is_cjk(char32_t code);

}  // namespace morgan::text
