#include "text/normalize_rules.h"

#include "base/strings.h"
#include "text/number_words.h"

#include <algorithm>
#include <utility>

namespace morgan::text {
namespace {

struct Currency {
  std::string_view symbol;
  std::string_view one;
  std::string_view many;
  std::string_view cent;  ///< empty: has no smaller part
  std::string_view cents;
};

constexpr Currency kCurrencies[] = {
    {"US$", "U S dollar", "U S dollars", "cent", "cents"},
    {"CA$", "Canadian dollar", "Canadian dollars", "cent", "cents"},
    {"A$", "Australian dollar", "Australian dollars", "cent", "cents"},
    {"$", "dollar", "dollars", "cent", "cents"},
    {"\u20AC", "euro", "euros", "cent", "cents"},
    {"\u00A3", "pound", "pounds", "penny", "pence"},
    {"\u00A5", "yen", "yen", "", ""},
    {"\u20B9", "rupee", "rupees", "paisa", "paise"},
    {"\u20A9", "won", "won", "", ""},
    {"\u20BD", "ruble", "rubles", "kopeck", "kopecks"},
    {"\u20BF", "bitcoin", "bitcoins", "", ""},
};

const Currency* read_currency(Reader& reader) {
  for (const Currency& currency : kCurrencies) {
    if (reader.accept(currency.symbol)) return &currency;
  }
  return nullptr;
}

/// " million", "M", "bn", "k" after an amount.
std::string_view read_scale(Reader& reader) {
  static constexpr std::pair<std::string_view, std::string_view> kScales[] = {
      {" thousand", "thousand"}, {" million", "million"}, {" billion", "billion"}, {" trillion", "trillion"},
      {" hundred", "hundred"},   {" mn", "million"},      {" bn", "billion"},      {"k", "thousand"},
      {"K", "thousand"},         {"mn", "million"},       {"M", "million"},        {"m", "million"},
      {"bn", "billion"},         {"B", "billion"},        {"b", "billion"},        {"tn", "trillion"},
      {"T", "trillion"},         {" M", "million"},       {" B", "billion"}};
  for (const auto& [written, words] : kScales) {
    Reader ahead = reader;
    if (!ahead.accept(written) || !ahead.at_word_end()) continue;
    reader = ahead;
    return words;
  }
  return {};
}

/// In "a $5 bill" the amount is an adjective: "a five dollar bill".
bool is_adjective(const Scan& scan, const Reader& after) {
  const std::string_view article = scan.previous_word();
  if (!equals_ignore_case(article, "a") && !equals_ignore_case(article, "an")) return false;
  Reader ahead = after;
  if (!ahead.accept(" ") && !ahead.accept("-")) return false;
  static constexpr std::string_view kSmallWords[] = {"a",   "an",   "per",  "and", "or", "for",  "to",
                                                     "in",  "on",   "at",   "by",  "is", "was",  "from",
                                                     "but", "with", "each", "as",  "if", "when", "than"};
  const std::string_view word = ahead.letters();
  return !word.empty() && is_lower(word[0]) &&
         std::find(std::begin(kSmallWords), std::end(kSmallWords), word) == std::end(kSmallWords);
}

std::string amount_words(const WrittenNumber& number, const Currency& currency) {
  const bool has_cents = number.fraction.size() <= 2 && !number.fraction.empty() && !currency.cent.empty();
  if (!has_cents) {
    return decimal_to_words(number.whole, number.fraction) + " " +
           std::string(number.is_one() ? currency.one : currency.many);
  }
  const std::string two_digits = number.fraction.size() == 1 ? number.fraction + "0" : number.fraction;
  const long long cents = parse_integer(two_digits).value_or(0);
  const bool no_whole = number.whole.empty() || number.whole == "0";
  std::string words;
  if (!no_whole || cents == 0) {
    words = decimal_to_words(no_whole ? "0" : number.whole, "") + " " +
            std::string(number.whole == "1" ? currency.one : currency.many);
  }
  if (cents == 0) return words;
  if (!words.empty()) words += " and ";
  return words + number_to_words(cents) + " " + std::string(cents == 1 ? currency.cent : currency.cents);
}

}  // namespace

std::string read_per(Reader& reader) {
  static constexpr std::pair<std::string_view, std::string_view> kPer[] = {
      {"month", "month"},   {"mo", "month"},      {"year", "year"},
      {"yr", "year"},       {"day", "day"},       {"week", "week"},
      {"wk", "week"},       {"hour", "hour"},     {"hr", "hour"},
      {"h", "hour"},        {"minute", "minute"}, {"min", "minute"},
      {"second", "second"}, {"sec", "second"},    {"s", "second"},
      {"person", "person"}, {"user", "user"},     {"night", "night"},
      {"kg", "kilogram"},   {"lb", "pound"},      {"m\u00B2", "square meter"},
      {"item", "item"},     {"token", "token"},   {"unit", "unit"},
      {"gallon", "gallon"}, {"liter", "liter"},   {"seat", "seat"},
      {"head", "head"},     {"mile", "mile"},     {"km", "kilometer"},
      {"oz", "ounce"},      {"capita", "capita"}, {"dose", "dose"},
      {"l", "liter"},       {"L", "liter"}};
  for (const auto& [written, words] : kPer) {
    Reader ahead = reader;
    if (!ahead.accept("/") || !ahead.accept(written) || !ahead.at_word_end()) continue;
    reader = ahead;
    return concat({" per ", words});
  }
  return {};
}

bool say_money(Scan& scan) {
  Reader reader = scan.reader();
  std::string words;
  if (reader.accept("-") || reader.accept("\u2212")) words = "minus ";
  const Currency* currency = read_currency(reader);
  if (currency == nullptr) return false;
  if (words.empty() && (reader.accept("-") || reader.accept("\u2212"))) words = "minus ";
  reader.accept(" ");
  const auto number = read_number(reader);
  if (!number) return false;
  std::optional<WrittenNumber> until;
  Reader range = reader;
  if (range.accept("-") || range.accept("\u2013") || range.accept(" - ") || range.accept(" \u2013 ")) {
    range.accept(currency->symbol);
    until = read_number(range);
    if (until) reader = range;
  }
  const std::string_view scale = read_scale(reader);
  const bool adjective = is_adjective(scan, reader);
  if (until) {
    words += decimal_to_words(number->whole, number->fraction) + " to ";
  }
  const WrittenNumber& last = until ? *until : *number;
  if (!scale.empty()) {
    words += decimal_to_words(last.whole, last.fraction) + " " + std::string(scale) + " " +
             std::string(adjective ? currency->one : currency->many);
  } else if (adjective && last.fraction.empty()) {
    words += decimal_to_words(last.whole, "") + " " + std::string(currency->one);
  } else {
    words += amount_words(last, *currency);
  }
  words += read_per(reader);
  scan.say(words, reader.position());
  return true;
}

}  // namespace morgan::text
