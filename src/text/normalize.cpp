#include "text/normalize.h"

#include "text/markup.h"
#include "text/normalize_rules.h"
#include "text/number_words.h"

#include <algorithm>
#include <utility>

namespace morgan::text {
namespace {

/// Typographic characters as the rules below know them.
std::string plain_typography(std::string_view text) {
  static constexpr std::pair<char32_t, std::string_view> kPlain[] = {
      {0x2018, "'"},    {0x2019, "'"},    {0x201A, "'"},    {0x201B, "'"},    {0x201C, "\""},   {0x201D, "\""},
      {0x201E, "\""},   {0x2010, "-"},    {0x2011, "-"},    {0x2026, "..."},  {0xBD, " 1/2"},   {0xBC, " 1/4"},
      {0xBE, " 3/4"},   {0x2153, " 1/3"}, {0x2154, " 2/3"}, {0x215B, " 1/8"}, {0x215C, " 3/8"}, {0x215D, " 5/8"},
      {0x215E, " 7/8"}, {0xAE, ""},       {0xA9, ""},       {0x2122, ""},     {0x2022, ","},    {0xB7, ","}};
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    const auto* found =
        std::find_if(std::begin(kPlain), std::end(kPlain), [&](const auto& p) { return p.first == c.code; });
    if (c.code < 0x80 || found == std::end(kPlain)) {
      out += text.substr(at, c.size);
    } else {
      const bool after_digit = !out.empty() && is_digit(out.back());
      out += found->second.starts_with(' ') && !after_digit ? found->second.substr(1) : found->second;
    }
    at += c.size;
  }
  return out;
}

/// A paragraph that ends without punctuation gets a full stop; other line ends are blanks.
std::string join_lines(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '\n') {
      out += text[at++];
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && is_blank(text[end]))
      ++end;
    const bool paragraph = std::count(text.begin() + static_cast<std::ptrdiff_t>(at),
                                      text.begin() + static_cast<std::ptrdiff_t>(end), '\n') > 1;
    const Character last = character_before(out, out.size());
    if (paragraph && is_word_character(last.code)) out += '.';
    out += ' ';
    at = end;
  }
  return out;
}

struct Symbol {
  std::string_view written;
  std::string_view words;
};

/// Said wherever they stand.
constexpr Symbol kSymbols[] = {{"\u00D7", "times"},
                               {"\u00F7", "divided by"},
                               {"\u00B1", "plus or minus"},
                               {"\u2264", "less than or equal to"},
                               {"\u2265", "greater than or equal to"},
                               {"\u2248", "approximately"},
                               {"\u2260", "is not equal to"},
                               {"\u2192", "to"},
                               {"\u2190", "from"},
                               {"\u21D2", "implies"},
                               {"\u00A7", "section"},
                               {"\u221E", "infinity"},
                               {"\u03C0", "pi"},
                               {"\u221A", "the square root of"},
                               {"\u00B2", "squared"},
                               {"\u00B3", "cubed"},
                               {"\u2116", "number"},
                               {"\u00B0", "degrees"},
                               {"->", "to"},
                               {"=>", "to"},
                               {"<=", "less than or equal to"},
                               {">=", "greater than or equal to"},
                               {"!=", "is not equal to"},
                               {"==", "equals"},
                               {"&&", "and"},
                               {"||", "or"},
                               {"&", "and"},
                               {"=", "equals"},
                               {"\u20AC", "euro"},
                               {"%", "percent"},
                               {"\\", "backslash"}};

/// Faces made of punctuation, and other marks that nobody reads.
bool skip_face(Scan& scan) {
  if (scan.before() != ' ') return false;
  for (const std::string_view face :
       {":-)", ":)", ";-)", ";)", ":-(", ":(", ":-D", ":D", ":-P", ":P", "<3", "XD", "^^", ":-/"}) {
    Reader reader = scan.reader();
    if (!reader.accept(face) || !(reader.at_word_end() && (reader.peek() == '\0' || !is_digit(reader.peek()))))
      continue;
    scan.at = reader.position();
    return true;
  }
  return false;
}

/// Marks whose meaning depends on what stands around them.
std::optional<std::string_view> meaning_between(const Scan& scan) {
  const Reader reader = scan.reader();
  const char c = reader.peek();
  const char before = scan.before();
  const char after = reader.peek(1);
  const bool digit_before = is_digit(before);
  const bool word_before = digit_before || is_letter(before);
  const bool word_after = is_digit(after) || is_letter(after);
  const bool spaced = before == ' ' && after == ' ';
  switch (c) {
    case '#':
      return is_digit(after) ? "number" : is_letter(after) ? "hashtag" : "";
    case '@':
      return "at";
    case '+':
      if (digit_before && !word_after && after != ' ') return "plus";
      return digit_before && after == ' ' ? std::optional<std::string_view>("plus")
             : word_after || spaced       ? std::optional<std::string_view>("plus")
                                          : std::nullopt;
    case '*':
      return (digit_before && is_digit(after)) || (spaced && word_before) || spaced ? "times" : "";
    case '^':
      return "to the power of";
    case '<':
      return spaced || is_digit(after) ? std::optional<std::string_view>("less than") : std::nullopt;
    case '>':
      return spaced || is_digit(after) ? std::optional<std::string_view>("greater than") : std::nullopt;
    case '~':
      return is_digit(after) || after == '$' ? "about" : "";
    case '_':
    case '|':
    case '{':
    case '}':
      return "";
    case '/':
      return word_after || word_before ? std::optional<std::string_view>("slash") : std::nullopt;
    default:
      return std::nullopt;
  }
}

bool say_hyphen(Scan& scan) {
  Reader reader = scan.reader();
  if (reader.peek() != '-') return false;
  const char before = scan.before();
  if (reader.accept("--")) {
    while (reader.accept("-")) {
    }
    scan.out += is_blank(before) ? "\u2014" : " \u2014 ";
    scan.at = reader.position();
    return true;
  }
  const char after = reader.peek(1);
  const bool digit_side = is_digit(before) || is_digit(after);
  if (digit_side && (is_digit(before) || is_letter(before)) && (is_digit(after) || is_letter(after))) {
    scan.out += ' ';  // "5-year-old", "1-2-3", "covid-19"
    scan.at += 1;
    return true;
  }
  // "10 - 4": with a blank on both sides between numbers it is a minus.
  const std::size_t at = scan.at;
  if (before == ' ' && after == ' ' && at >= 2 && is_digit(scan.text[at - 2]) && is_digit(reader.peek(2))) {
    scan.say("minus", at + 1);
    return true;
  }
  return false;
}

/// Blanks once, none before punctuation, no repeated marks.
std::string tidy(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool mark = c == '.' || c == ',' || c == '!' || c == '?' || c == ';' || c == ':';
    if (is_blank(c)) {
      if (!out.empty() && out.back() != ' ') out += ' ';
      continue;
    }
    if (mark) {
      if (out.ends_with(' ') && c != '.') out.pop_back();
      if (out.ends_with(' ') && c == '.') out.pop_back();
      const char last = out.empty() ? ' ' : out.back();
      if (last == c && (c != '.' || out.ends_with("..."))) continue;
      if (last == ',' && c != ',') out.pop_back();
      if ((last == '.' || last == '!' || last == '?') && (c == ',' || c == ';' || c == ':')) continue;
      if (out.empty() && c != '.') continue;
    }
    out += c;
  }
  while (!out.empty() && out.back() == ' ')
    out.pop_back();
  return out;
}

bool has_word(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (is_word_character(c.code)) return true;
    at += c.size;
  }
  return false;
}

}  // namespace

bool say_symbol(Scan& scan) {
  if (skip_face(scan) || say_hyphen(scan)) return true;
  for (const Symbol& symbol : kSymbols) {
    if (!scan.reader().rest().starts_with(symbol.written)) continue;
    scan.say(symbol.words, scan.at + symbol.written.size());
    return true;
  }
  const auto words = meaning_between(scan);
  if (!words) return false;
  if (words->empty()) {
    scan.out += ' ';
    ++scan.at;
  } else {
    scan.say(*words, scan.at + 1);
  }
  return true;
}

std::string normalize_for_speech(std::string_view text) {
  const std::string source = plain_typography(join_lines(strip_markup(text, LineEnds::kWithStops)));
  Scan scan(source);
  while (!scan.done()) {
    if (scan.at_word_start() && (say_web_address(scan) || say_money(scan) || say_date_or_time(scan) ||
                                 say_phone_number(scan) || say_month(scan) || say_number(scan) || say_word(scan))) {
      continue;
    }
    if (!say_symbol(scan)) scan.copy(scan.at + character_at(source, scan.at).size);
  }
  std::string out = tidy(scan.out);
  return has_word(out) ? out : std::string();
}

}  // namespace morgan::text
