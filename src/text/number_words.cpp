#include "text/number_words.h"

#include "base/strings.h"
#include "text/normalize.h"

#include <array>
#include <cstdlib>
#include <utility>

namespace morgan::text {
namespace {

constexpr std::array<std::string_view, 20> kSmall = {
    "zero", "one",    "two",    "three",    "four",     "five",    "six",     "seven",     "eight",    "nine",
    "ten",  "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
constexpr std::array<std::string_view, 10> kTens = {"",      "",      "twenty",  "thirty", "forty",
                                                    "fifty", "sixty", "seventy", "eighty", "ninety"};
constexpr std::size_t kLongestCardinal = 15;

void append_word(std::string& out, std::string_view word) {
  if (!out.empty()) out += ' ';
  out += word;
}

std::string below_thousand(long long number) {
  std::string out;
  if (number >= 100) {
    append_word(out, kSmall[static_cast<std::size_t>(number / 100)]);
    append_word(out, "hundred");
    number %= 100;
    if (number == 0) return out;
  }
  if (number >= 20) {
    append_word(out, kTens[static_cast<std::size_t>(number / 10)]);
    number %= 10;
    if (number == 0) return out;
  }
  append_word(out, kSmall[static_cast<std::size_t>(number)]);
  return out;
}

/// The pairs of a four-digit year: "nineteen" + "ninety nine", "nineteen" + "oh five".
std::string two_digits_of_year(int value) {
  if (value == 0) return "hundred";
  return value < 10 ? "oh " + number_to_words(value) : number_to_words(value);
}

}  // namespace

std::string number_to_words(long long number) {
  constexpr std::pair<long long, std::string_view> kScales[] = {
      {1'000'000'000'000LL, "trillion"}, {1'000'000'000LL, "billion"}, {1'000'000LL, "million"}, {1'000LL, "thousand"}};
  constexpr long long kLimit = 1'000'000'000'000'000LL;
  if (number <= -kLimit || number >= kLimit) return digits_to_words(std::to_string(number));
  if (number < 0) return "minus " + number_to_words(-number);
  std::string out;
  for (const auto& [scale, name] : kScales) {
    if (number < scale) continue;
    append_word(out, below_thousand(number / scale));
    append_word(out, name);
    number %= scale;
  }
  if (number > 0 || out.empty()) append_word(out, below_thousand(number));
  return out;
}

std::string ordinal_to_words(long long number) {
  static constexpr std::pair<std::string_view, std::string_view> kIrregular[] = {
      {"one", "first"},    {"two", "second"}, {"three", "third"},   {"five", "fifth"},
      {"eight", "eighth"}, {"nine", "ninth"}, {"twelve", "twelfth"}};
  std::string words = number_to_words(number);
  const std::size_t blank = words.rfind(' ');
  const std::size_t start = blank == std::string::npos ? 0 : blank + 1;
  const std::string_view last = std::string_view(words).substr(start);
  for (const auto& [cardinal, ordinal] : kIrregular) {
    if (last == cardinal) return words.substr(0, start) + std::string(ordinal);
  }
  if (words.back() == 'y') return words.substr(0, words.size() - 1) + "ieth";
  return words + "th";
}

std::string year_to_words(int year) {
  const bool thousands = year % 1000 < 10 || year < 1000 || year > 9999;
  if (thousands) return number_to_words(year);
  return number_to_words(year / 100) + " " + two_digits_of_year(year % 100);
}

std::string plural(std::string words) {
  if (words.ends_with("y") && !words.ends_with("ay") && !words.ends_with("ey")) {
    return words.substr(0, words.size() - 1) + "ies";
  }
  if (words.ends_with("s") || words.ends_with("x") || words.ends_with("ch")) return words + "es";
  return words + "s";
}

std::string decade_to_words(int year) {
  return plural(year < 100 ? number_to_words(year) : year_to_words(year));
}

std::string digits_to_words(std::string_view digits) {
  std::string out;
  for (const char c : digits) {
    if (c >= '0' && c <= '9') append_word(out, kSmall[static_cast<std::size_t>(c - '0')]);
  }
  return out;
}

std::string decimal_to_words(std::string_view whole, std::string_view fraction) {
  std::string out;
  if (!whole.empty()) {
    const bool spelled = whole.size() > kLongestCardinal || (whole.size() > 1 && whole[0] == '0');
    out = spelled ? digits_to_words(whole) : number_to_words(parse_integer(whole).value_or(0));
  }
  if (!fraction.empty()) {
    append_word(out, "point");
    append_word(out, digits_to_words(fraction));
  }
  return out;
}

std::string fraction_to_words(long long numerator, long long denominator) {
  if (denominator > 20 && denominator % 100 != 0) {
    return number_to_words(numerator) + " over " + number_to_words(denominator);
  }
  std::string part = denominator == 2 ? "half" : denominator == 4 ? "quarter" : ordinal_to_words(denominator);
  if (numerator != 1) part = part == "half" ? "halves" : plural(part);
  return number_to_words(numerator) + " " + part;
}

}  // namespace morgan::text
