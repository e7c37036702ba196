#include "text/scan.h"

#include "text/abbreviations.h"

#include <algorithm>

namespace morgan::text {

std::optional<WrittenNumber> read_number(Reader& reader) {
  Reader ahead = reader;
  WrittenNumber number;
  while (is_digit(ahead.peek())) {
    number.whole += ahead.peek();
    ahead.accept(std::string_view(&number.whole.back(), 1));
  }
  const auto group_follows = [&ahead] {
    return ahead.peek() == ',' && is_digit(ahead.peek(1)) && is_digit(ahead.peek(2)) && is_digit(ahead.peek(3)) &&
           !is_digit(ahead.peek(4));
  };
  if (!number.whole.empty() && number.whole.size() <= 3 && number.whole != "0") {
    while (group_follows()) {
      number.grouped = true;
      for (const std::size_t digit : {1U, 2U, 3U})
        number.whole += ahead.peek(digit);
      ahead.move_to(ahead.position() + 4);
    }
  }
  const auto european = [&ahead] {  // "1.234,56": the marks the other way round
    const std::string_view rest = ahead.rest();
    return rest.size() >= 7 && rest[0] == '.' && rest[4] == ',' &&
           std::all_of(rest.begin() + 1, rest.begin() + 4, is_digit) && is_digit(rest[5]) && is_digit(rest[6]) &&
           (rest.size() == 7 || !is_digit(rest[7]));
  };
  if (!number.grouped && number.whole.size() <= 3 && !number.whole.empty() && european()) {
    number.grouped = true;
    number.whole += ahead.rest().substr(1, 3);
    number.fraction = ahead.rest().substr(5, 2);
    ahead.move_to(ahead.position() + 7);
    reader = ahead;
    return number;
  }
  if (ahead.peek() == '.' && is_digit(ahead.peek(1))) {
    ahead.accept(".");
    while (is_digit(ahead.peek())) {
      number.fraction += ahead.peek();
      ahead.move_to(ahead.position() + 1);
    }
  }
  if (number.whole.empty() && number.fraction.empty()) return std::nullopt;
  reader = ahead;
  return number;
}

bool Scan::at_word_start() const {
  const Character c = character_before(text, at);
  if (c.size == 0 || spoken_) return true;
  if (c.code == '\'') return at < 2 || !is_word_character(character_before(text, at - 1).code);
  return !is_word_character(c.code);
}

std::string_view Scan::previous_word(int skip) const {
  std::size_t end = at;
  for (;;) {
    while (end > 0 && text[end - 1] == ' ')
      --end;
    if (end > 0 && (text[end - 1] == '-' || text[end - 1] == '.')) --end;  // "mid-", "St."
    std::size_t start = end;
    while (start > 0 && (is_letter(text[start - 1]) || is_digit(text[start - 1]) || text[start - 1] == '\''))
      --start;
    if (skip-- == 0 || start == end) return text.substr(start, end - start);
    end = start;
  }
}

bool Scan::previous_starts_sentence() const {
  const std::string_view word = previous_word();
  if (word.empty()) return true;
  auto start = static_cast<std::size_t>(word.data() - text.data());
  while (start > 0 && (text[start - 1] == ' ' || text[start - 1] == '"' || text[start - 1] == '('))
    --start;
  return start == 0 || text[start - 1] == '.' || text[start - 1] == '!' || text[start - 1] == '?' ||
         text[start - 1] == ':';
}

void Scan::say(std::string_view words, std::size_t end) {
  if (!words.empty()) {
    const Character last = character_before(out, out.size());
    const bool joined = last.size > 0 && (is_word_character(last.code) || last.code == ',' || last.code == '.');
    if (joined) out += ' ';
    out += words;
  }
  spoken_ = true;
  at = end;
}

void Scan::copy(std::size_t end) {
  if (end <= at) return;
  if (spoken_ && is_word_character(character_at(text, at).code) &&
      is_word_character(character_before(out, out.size()).code)) {
    out += ' ';
  }
  spoken_ = false;
  out += text.substr(at, end - at);
  at = end;
}

bool stop_ends_sentence(std::string_view text, std::size_t stop) {
  std::size_t at = stop + 1;
  while (at < text.size() && (text[at] == '"' || text[at] == '\'' || text[at] == ')' || text[at] == ' '))
    ++at;
  if (at >= text.size()) return true;
  if (at == stop + 1) return false;
  std::size_t end = at;
  while (end < text.size() && (is_letter(text[end]) || text[end] == '\''))
    ++end;
  return is_sentence_starter(text.substr(at, end - at));
}

}  // namespace morgan::text
