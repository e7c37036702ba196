#include "text/normalize_rules.h"

#include "base/strings.h"
#include "text/normalize.h"
#include "text/number_words.h"
#include "text/units.h"
#include "text/word_set.h"

#include <algorithm>
#include <utility>

namespace morgan::text {
namespace {

constexpr int kFirstYear = 1100;
constexpr int kLastYear = 2099;

bool accept_dash(Reader& reader) {
  return reader.accept("-") || reader.accept("\u2013") || reader.accept(" \u2013 ") || reader.accept("\u2014");
}

bool could_be_year(const WrittenNumber& number) {
  if (number.whole.size() != 4 || number.grouped || !number.fraction.empty()) return false;
  const long long value = parse_integer(number.whole).value_or(0);
  return value >= kFirstYear && value <= kLastYear;
}

/// "1500 apples" is a count, "in 1999 wars" a year.
bool is_year(const WrittenNumber& number, const Scan& scan, const Reader& after) {
  if (!could_be_year(number)) return false;
  static constexpr std::string_view kBeforeYears[] = {"in",    "since",  "of",     "by",     "from",   "until", "till",
                                                      "after", "before", "year",   "circa",  "during", "early", "late",
                                                      "mid",   "spring", "summer", "autumn", "fall",   "winter"};
  static constexpr std::string_view kNotPlural[] = {"was",    "is",      "as",     "has",     "his",
                                                    "this",   "its",     "does",   "us",      "unless",
                                                    "always", "perhaps", "across", "towards", "versus"};
  if (contains(kBeforeYears, scan.previous_word())) return true;
  Reader ahead = after;
  if (!ahead.accept(" ") || !is_lower(ahead.peek())) return true;
  const std::string_view word = ahead.letters();
  const bool plural_noun = word.size() > 3 && word.back() == 's' && !contains(kNotPlural, word);
  return !plural_noun && word != "people" && word != "men" && word != "women" && word != "children";
}

std::string plain_words(const WrittenNumber& number) {
  return decimal_to_words(number.whole, number.fraction);
}

std::string year_or_plain(const WrittenNumber& number) {
  return could_be_year(number) ? year_to_words(static_cast<int>(parse_integer(number.whole).value_or(0)))
                               : plain_words(number);
}

/// What follows an amount: a unit, a percent sign, "k", "M". Empty: nothing.
std::string read_suffix(Reader& reader, bool singular) {
  static constexpr std::pair<std::string_view, std::string_view> kScales[] = {
      {"k", " thousand"}, {"M", " million"}, {"bn", " billion"}, {"mn", " million"}, {"x", " times"}};
  for (const auto& [written, words] : kScales) {
    Reader ahead = reader;
    if (!ahead.accept(written) || !ahead.at_word_end()) continue;
    reader = ahead;
    return std::string(words);
  }
  Reader ahead = reader;
  const bool hyphen = ahead.peek() == '-' && is_letter(ahead.peek(1));
  const bool blank = ahead.peek() == ' ' || hyphen;
  if (blank) ahead.accept(hyphen ? "-" : " ");
  const auto unit = find_unit(ahead.rest(), !blank);
  if (!unit) return {};
  ahead.move_to(ahead.position() + unit->size);
  // "5-in-1" and "3-m-high": a hyphen on both sides makes no unit of a short word.
  if (hyphen && unit->size < 2) return {};
  // "10 mi. a day": the full stop belongs to the abbreviation, unless the sentence may end here.
  const bool letters = is_letter(ahead.peek_back());
  if (letters && ahead.peek() == '.' && ahead.peek(1) == ' ' && (is_lower(ahead.peek(2)) || is_digit(ahead.peek(2)))) {
    ahead.accept(".");
  }
  reader = ahead;
  return concat({" ", singular || hyphen ? unit->singular : unit->plural, read_per(reader)});
}

/// 1.2.3, 192.168.0.1
bool say_version(Scan& scan) {
  Reader reader = scan.reader();
  std::vector<std::string> groups;
  for (;;) {
    const std::size_t start = reader.position();
    if (!reader.digits(1, 6)) return false;
    groups.emplace_back(scan.text.substr(start, reader.position() - start));
    if (reader.peek() != '.' || !is_digit(reader.peek(1))) break;
    reader.accept(".");
  }
  if (groups.size() < 3 || !reader.at_word_end()) return false;
  const bool address = groups.size() == 4;
  std::string words;
  for (const std::string& group : groups) {
    if (!words.empty()) words += address ? " dot " : " point ";
    words += address ? digits_to_words(group) : decimal_to_words(group, "");
  }
  scan.say(words, reader.position());
  return true;
}

/// 1st, 22nd, 1990s, 80s
bool say_ordinal_or_decade(Scan& scan) {
  Reader reader = scan.reader();
  const auto number = read_number(reader);
  if (!number || !number->fraction.empty() || number->whole.size() > 9) return false;
  const long long value = parse_integer(number->whole).value_or(0);
  for (const std::string_view suffix : {"st", "nd", "rd", "th", "ST", "ND", "RD", "TH"}) {
    Reader ahead = reader;
    if (!ahead.accept(suffix) || !ahead.at_word_end()) continue;
    scan.say(ordinal_to_words(value), ahead.position());
    return true;
  }
  if (!reader.accept("'s") && !reader.accept("s")) return false;
  if (!reader.at_word_end() || value % 10 != 0) return false;
  static constexpr std::string_view kBeforeDecades[] = {"the", "early", "late", "mid",  "his",
                                                        "her", "their", "my",   "your", "our"};
  const bool century = number->whole.size() == 4 && value >= kFirstYear && value <= kLastYear;
  const bool apostrophe = scan.before() == '\'';
  const bool two = number->whole.size() == 2 && value >= 20 &&
                   (apostrophe || value >= 70 || contains(kBeforeDecades, scan.previous_word()));
  if (!century && !two) return false;
  if (apostrophe && !scan.out.empty()) scan.out.pop_back();
  scan.say(decade_to_words(static_cast<int>(value)), reader.position());
  return true;
}

/// 1/2, 2 3/4, 10/10, 24/7
bool say_fraction(Scan& scan) {
  Reader reader = scan.reader();
  auto first = reader.digits(1, 4);
  if (!first) return false;
  std::optional<int> whole;
  if (reader.peek() == ' ') {
    whole = first;
    reader.accept(" ");
    first = reader.digits(1, 2);
  }
  if (!first || !(reader.accept("/") || reader.accept("\u2044"))) return false;
  const auto second = reader.digits(1, 4);
  if (!second || *second == 0 || !reader.at_word_end() || reader.peek() == '/') return false;
  if (whole && *first >= *second) return false;
  if (reader.peek() == '.' && is_digit(reader.peek(1))) return false;
  std::string words;
  const bool known_pair =
      !whole && ((*first == 24 && *second == 7) || (*first == 9 && *second == 11) || (*first == 50 && *second == 50));
  const bool score =
      !whole && (*first == *second || reader.rest().starts_with(" stars") || reader.rest().starts_with(" points"));
  if (known_pair) {
    words = number_to_words(*first) + " " + number_to_words(*second);
  } else if (score || (!whole && *first > *second && *second > 20)) {
    words = number_to_words(*first) + " out of " + number_to_words(*second);
  } else if (!whole && *first > *second && *first % *second == 0) {
    words = concat({number_to_words(*first), " over ", number_to_words(*second)});
  } else {
    words = fraction_to_words(*first, *second);
    if (whole) {
      if (*first == 1) words.replace(0, 3, *second == 8 || *second == 11 || *second == 18 ? "an" : "a");
      words = number_to_words(*whole) + " and " + words;
    }
    words += read_suffix(reader, !whole);
  }
  scan.say(words, reader.position());
  return true;
}

/// 4.5/5: a mark, not a fraction.
bool say_score(Scan& scan) {
  Reader reader = scan.reader();
  const auto first = read_number(reader);
  if (!first || first->fraction.empty() || !reader.accept("/")) return false;
  const auto second = reader.digits(1, 4);
  if (!second || !reader.at_word_end() || reader.peek() == '/') return false;
  scan.say(concat({plain_words(*first), " out of ", number_to_words(*second)}), reader.position());
  return true;
}

/// 1.5e-5, 2e10
bool say_scientific(Scan& scan) {
  Reader reader = scan.reader();
  const auto number = read_number(reader);
  if (!number || !(reader.accept("e") || reader.accept("E"))) return false;
  const bool minus = reader.accept("-");
  const bool signed_power = minus || reader.accept("+");
  const auto power = reader.digits(1, 3);
  if (!power || !reader.at_word_end() || (!signed_power && number->fraction.empty())) return false;
  scan.say(
      concat({plain_words(*number), " times ten to the power of ", minus ? "minus " : "", number_to_words(*power)}),
      reader.position());
  return true;
}

/// 3-5, 10-20%, 1990-1995, 5-7pm
bool say_range(Scan& scan) {
  Reader reader = scan.reader();
  const auto first = read_number(reader);
  if (!first) return false;
  const bool percent_twice = reader.peek() == '%';
  if (percent_twice) reader.accept("%");
  const bool temperature = reader.accept("\u00B0");
  if (!accept_dash(reader)) return false;
  const auto second = read_number(reader);
  if (!second || second->whole.empty()) return false;
  const bool chain = (reader.peek() == '-' || reader.peek() == '/' || reader.peek() == ':') && is_digit(reader.peek(1));
  if (chain) return false;
  if (temperature && reader.peek() != '\xC2') return false;
  std::string suffix;
  if (const auto meridiem = read_meridiem(reader, scan.text)) {
    suffix = concat({" ", meridiem->words, meridiem->ends_sentence && reader.peek() != '.' ? "." : ""});
  } else {
    suffix = read_suffix(reader, false);
  }
  if (!reader.at_word_end() && reader.peek() != '\0' && suffix.empty()) return false;
  const bool years = suffix.empty() && could_be_year(*first);
  const std::string words = (years ? year_or_plain(*first) : plain_words(*first)) + " to " +
                            (years ? year_or_plain(*second) : plain_words(*second)) + suffix;
  scan.say(words, reader.position());
  return true;
}

/// 6'2" and 5'11
bool say_feet_and_inches(Scan& scan) {
  Reader reader = scan.reader();
  const auto feet = reader.digits(1, 1);
  if (!feet || !(reader.accept("'") || reader.accept("\u2032"))) return false;
  const auto inches = reader.digits(1, 2);
  if (!inches || *inches > 11) return false;
  if (!reader.accept("\"")) reader.accept("\u2033");
  if (!reader.at_word_end()) return false;
  scan.say(number_to_words(*feet) + (*feet == 1 ? " foot " : " feet ") + number_to_words(*inches) +
               (*inches == 1 ? " inch" : " inches"),
           reader.position());
  return true;
}

/// 3x4, 1920x1080, 3 x 4
bool say_dimensions(Scan& scan) {
  Reader reader = scan.reader();
  std::string words;
  int count = 0;
  for (;; ++count) {
    const auto number = read_number(reader);
    if (!number) return false;
    const bool pairs = number->whole.size() == 4 && number->fraction.empty();  // "nineteen twenty by ten eighty"
    words += pairs ? year_to_words(static_cast<int>(parse_integer(number->whole).value_or(0))) : plain_words(*number);
    Reader ahead = reader;
    const bool by = ahead.accept("x") || ahead.accept("\u00D7") || ahead.accept(" x ") || ahead.accept(" \u00D7 ");
    if (!by || !is_digit(ahead.peek())) break;
    words += " by ";
    reader = ahead;
  }
  if (count == 0) return false;
  words += read_suffix(reader, false);
  if (!reader.at_word_end()) return false;
  scan.say(words, reader.position());
  return true;
}

/// 16:9, 3:1: what is no time of day.
bool say_ratio(Scan& scan) {
  Reader reader = scan.reader();
  const auto first = reader.digits(1, 3);
  if (!first || !reader.accept(":")) return false;
  const auto second = reader.digits(1, 3);
  if (!second || !reader.at_word_end() || reader.peek() == ':') return false;
  scan.say(number_to_words(*first) + " to " + number_to_words(*second), reader.position());
  return true;
}

bool sign_can_start(const Scan& scan) {
  const char before = scan.before();
  return before == ' ' || before == '(' || before == '[' || before == '"' || before == '=' || before == '\n';
}

bool say_amount(Scan& scan) {
  Reader reader = scan.reader();
  std::string words;
  if (sign_can_start(scan)) {
    if (reader.accept("-") || reader.accept("\u2212"))
      words = "minus ";
    else if (reader.accept("+"))
      words = "plus ";
    else if (reader.accept("\u00B1"))
      words = "plus or minus ";
  }
  const auto number = read_number(reader);
  if (!number) return false;
  Reader after = reader;
  const std::string suffix = read_suffix(after, number->is_one());
  // "7f3a", "2b1c": digits and letters mixed are a name, not a number.
  Reader mixed = reader;
  const bool hex = number->whole == "0" && (mixed.peek() == 'x' || mixed.peek() == 'b') && mixed.peek(1) != '\0';
  if (suffix.empty() && !mixed.letters().empty() &&
      (is_digit(mixed.peek()) || (hex && mixed.position() > reader.position() + 1))) {
    while (!mixed.at_word_end())
      mixed.move_to(mixed.position() + character_at(scan.text, mixed.position()).size);
    scan.copy(mixed.position());
    return true;
  }
  const bool year = words.empty() && suffix.empty() && is_year(*number, scan, reader);
  words += year ? year_or_plain(*number) : plain_words(*number);
  scan.say(words + suffix, after.position());
  return true;
}

}  // namespace

bool say_phone_number(Scan& scan) {
  Reader reader = scan.reader();
  std::string words;
  std::vector<std::size_t> sizes;
  const bool international = reader.accept("+");
  std::size_t total = 0;
  const char first = reader.peek();
  if (!is_digit(first) && first != '(') return false;
  bool separated = true;
  while (separated) {
    const bool bracket = reader.accept("(");
    const std::size_t start = reader.position();
    if (!reader.digits(1, 8)) return false;
    const std::string_view group = scan.text.substr(start, reader.position() - start);
    if (bracket && !reader.accept(")")) return false;
    if (!words.empty()) words += ", ";
    words += digits_to_words(group);
    sizes.push_back(group.size());
    total += group.size();
    Reader ahead = reader;
    separated = ahead.accept("-") || ahead.accept(".") || ahead.accept(" ") || bracket;
    if (bracket) ahead.accept(" ");
    const bool more = is_digit(ahead.peek()) || (ahead.peek() == '(' && is_digit(ahead.peek(1)));
    separated = separated && more && sizes.size() < 6;
    if (separated) reader = ahead;
  }
  if (!reader.at_word_end() || (reader.peek() == '.' && is_digit(reader.peek(1)))) return false;
  if (international) {
    if (total < 8 || total > 15) return false;
    words = concat({"plus ", words});
  } else {
    // 555-1234 needs its hyphen; the rest is ddd ddd dddd with an optional 1 before.
    const bool local = sizes == std::vector<std::size_t>{3, 4} && scan.text[scan.at + 3] == '-';
    const bool national = sizes == std::vector<std::size_t>{3, 3, 4};
    const bool with_country = sizes == std::vector<std::size_t>{1, 3, 3, 4} && first == '1';
    // "030 1234567": a trunk zero, as in Europe.
    const std::string_view written = scan.text.substr(scan.at, reader.position() - scan.at);
    const bool trunk = first == '0' && sizes.size() >= 2 && sizes[0] >= 2 && total >= 7 && total <= 13 &&
                       written.find('.') == std::string_view::npos;
    if (!local && !national && !with_country && !trunk) return false;
  }
  scan.say(words, reader.position());
  return true;
}

bool say_number(Scan& scan) {
  const Reader reader = scan.reader();
  if (is_digit(reader.peek())) {
    if (say_version(scan) || say_ordinal_or_decade(scan) || say_fraction(scan) || say_score(scan) ||
        say_scientific(scan) || say_range(scan) || say_feet_and_inches(scan) || say_dimensions(scan) ||
        say_ratio(scan)) {
      return true;
    }
  }
  return say_amount(scan);
}

}  // namespace morgan::text
