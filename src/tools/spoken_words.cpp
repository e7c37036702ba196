#include "tools/spoken_words.h"

#include "base/strings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace morgan::tools {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Marks that stand at the edges of words.
bool is_mark(char c) {
  return std::string_view(".,!?;:\"()[]{}").find(c) != std::string_view::npos;
}

constexpr std::array<std::pair<std::string_view, int>, 32> kSmall{
    {{"zero", 0},      {"one", 1},       {"two", 2},       {"three", 3},    {"four", 4},     {"five", 5},
     {"six", 6},       {"seven", 7},     {"eight", 8},     {"nine", 9},     {"ten", 10},     {"eleven", 11},
     {"twelve", 12},   {"thirteen", 13}, {"fourteen", 14}, {"fifteen", 15}, {"sixteen", 16}, {"seventeen", 17},
     {"eighteen", 18}, {"nineteen", 19}, {"twenty", 20},   {"thirty", 30},  {"forty", 40},   {"fourty", 40},
     {"fifty", 50},    {"sixty", 60},    {"seventy", 70},  {"eighty", 80},  {"ninety", 90},  {"dozen", 12},
     {"couple", 2},    {"oh", 0}}};

std::optional<int> small_number(std::string_view word) {
  for (const auto& [name, value] : kSmall) {
    if (name == word) return value;
  }
  return std::nullopt;
}

double scale_of(std::string_view word) {
  if (word == "hundred") return 100;
  if (word == "thousand") return 1'000;
  if (word == "million") return 1'000'000;
  if (word == "billion") return 1'000'000'000;
  return 0;
}

/// "12", "12.5", "1,000".
std::optional<double> digits(std::string_view word) {
  if (word.empty() || !(is_digit(word.front()) || (word.size() > 1 && word.front() == '.'))) return std::nullopt;
  std::string plain;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] != ',') {
      plain += word[i];
    } else if (word.size() - i < 4 || !is_digit(word[i + 1])) {
      return std::nullopt;
    }
  }
  return parse_double(plain);
}

/// Adds the parts of one run of letters and digits: "7am" is two words, "what's" is what, is.
void add_parts(std::string_view said, std::size_t begin, std::size_t end, std::vector<SpokenWord>& words) {
  const std::string lower = to_lower_ascii(said.substr(begin, end - begin));
  const auto add = [&](std::size_t from, std::size_t to) {
    if (to > from) words.push_back({lower.substr(from, to - from), begin + from, begin + to});
  };
  std::size_t at = 0;
  while (at < lower.size() &&
         (is_digit(lower[at]) || (at > 0 && std::string_view(".,:").find(lower[at]) != std::string_view::npos)))
    ++at;
  if (at > 0 && at < lower.size() && !(lower[at] == 't' && lower.substr(at) == "th") && lower.substr(at) != "st" &&
      lower.substr(at) != "nd" && lower.substr(at) != "rd") {
    add(0, at);
    if (lower[at] == '-') ++at;
    return add(at, lower.size());
  }
  static constexpr std::array<std::string_view, 9> kWithIs{"what's", "how's",  "who's",   "where's", "it's",
                                                           "that's", "when's", "there's", "time's"};
  if (std::find(kWithIs.begin(), kWithIs.end(), lower) != kWithIs.end()) {
    add(0, lower.size() - 2);
    words.push_back({"is", begin + lower.size() - 1, end});
    return;
  }
  // "ninety-six" is two words, "to-do" is one.
  if (const std::size_t dash = lower.find('-'); dash != std::string::npos && small_number(lower.substr(0, dash))) {
    add(0, dash);
    return add(dash + 1, lower.size());
  }
  add(0, lower.size());
}

}  // namespace

std::string plain_text(std::string_view said) {
  std::string text(said);
  for (std::size_t at = text.find("\u2019"); at != std::string::npos; at = text.find("\u2019", at))
    text.replace(at, 3, "'");
  return text;
}

std::vector<SpokenWord> words_of(std::string_view source) {
  std::vector<SpokenWord> words;
  std::size_t at = 0;
  while (at < source.size()) {
    if (std::isspace(static_cast<unsigned char>(source[at])) != 0) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < source.size() && std::isspace(static_cast<unsigned char>(source[end])) == 0)
      ++end;
    std::size_t first = at;
    std::size_t last = end;
    while (first < last && is_mark(source[first]))
      ++first;
    while (last > first && is_mark(source[last - 1]))
      --last;
    at = end;
    // Signs are words of their own, in front and behind.
    static constexpr std::string_view kSigns = "+-*/^=%$";
    if (first < last && last - first > 1 && source[first] == '$') ++first;
    std::size_t cut = last;
    if (last - first > 1 && source[last - 1] == '%') cut = last - 1;
    if (last > first && last - first == 1 && kSigns.find(source[first]) != std::string_view::npos) {
      words.push_back({std::string(source.substr(first, 1)), first, last});
      continue;
    }
    if (cut > first) add_parts(source, first, cut, words);
    if (cut < last) words.push_back({"%", cut, last});
  }
  return words;
}

SpokenWords without_padding(SpokenWords words) {
  static const std::array<std::vector<std::string_view>, 36> kBefore{{{"do", "you", "know"},
                                                                      {"can", "you", "tell", "me"},
                                                                      {"could", "you", "tell", "me"},
                                                                      {"tell", "me"},
                                                                      {"i", "want", "to", "know"},
                                                                      {"i", "would", "like", "to", "know"},
                                                                      {"i'd", "like", "to", "know"},
                                                                      {"give", "me"},
                                                                      {"just"},
                                                                      {"quickly"},
                                                                      {"hey", "morgan"},
                                                                      {"hi", "morgan"},
                                                                      {"okay", "morgan"},
                                                                      {"ok", "morgan"},
                                                                      {"morgan"},
                                                                      {"hey"},
                                                                      {"hi"},
                                                                      {"hello"},
                                                                      {"okay"},
                                                                      {"ok"},
                                                                      {"so"},
                                                                      {"well"},
                                                                      {"um"},
                                                                      {"uh"},
                                                                      {"and"},
                                                                      {"please"},
                                                                      {"kindly"},
                                                                      {"now"},
                                                                      {"can", "you"},
                                                                      {"could", "you"},
                                                                      {"would", "you"},
                                                                      {"will", "you"},
                                                                      {"i", "want", "you", "to"},
                                                                      {"i", "would", "like", "you", "to"},
                                                                      {"i'd", "like", "you", "to"},
                                                                      {"i", "need", "you", "to"}}};
  static const std::array<std::vector<std::string_view>, 10> kBehind{{{"please"},
                                                                      {"for", "me"},
                                                                      {"thanks"},
                                                                      {"thank", "you"},
                                                                      {"morgan"},
                                                                      {"right", "now"},
                                                                      {"now"},
                                                                      {"will", "you"},
                                                                      {"would", "you"},
                                                                      {"okay"}}};
  const auto same = [](SpokenWords some, const std::vector<std::string_view>& phrase) {
    return std::equal(phrase.begin(), phrase.end(), some.begin(),
                      [](std::string_view a, const SpokenWord& b) { return a == b.text; });
  };
  const auto strip = [&](const auto& phrases, bool front) {
    for (const auto& phrase : phrases) {
      if (phrase.empty() || words.size() <= phrase.size()) continue;
      const SpokenWords edge = front ? words.first(phrase.size()) : words.last(phrase.size());
      if (!same(edge, phrase)) continue;
      words = front ? words.subspan(phrase.size()) : words.first(words.size() - phrase.size());
      return true;
    }
    return false;
  };
  while (strip(kBefore, true) || strip(kBehind, false)) {
  }
  return words;
}

std::string said_by(std::string_view said, SpokenWords words) {
  if (words.empty()) return "";
  const std::size_t begin = std::min(words.front().begin, said.size());
  const std::size_t end = std::min(words.back().end, said.size());
  return end > begin ? std::string(trim(said.substr(begin, end - begin))) : "";
}

bool is_number_word(std::string_view word) {
  return digits(word) || small_number(word) || scale_of(word) > 0;
}

namespace {

/// "one hundred and twenty five": number words in a row.
std::optional<SpokenNumber> cardinal_at(SpokenWords words) {
  double total = 0;
  double part = 0;
  std::size_t at = 0;
  double last = -1;  // of the last small number: "twenty" may be followed by "five", "five" by nothing
  bool any = false;
  for (; at < words.size(); ++at) {
    const std::string& word = words[at].text;
    if (const auto small = small_number(word); small && word != "couple" && word != "dozen" && word != "oh") {
      const bool joins = last < 0 || (last >= 20 && *small < 10 && *small > 0);
      if (!joins) break;
      part += *small;
      last = *small;
      any = true;
    } else if (const double scale = scale_of(word); scale > 0) {
      const bool with_a = at == 1 && words[0].text == "a";
      if (!any && !with_a) break;
      if (scale == 100) {
        part = std::max(part, 1.0) * scale;
      } else {
        total += std::max(part, 1.0) * scale;
        part = 0;
      }
      last = -1;
      any = true;
    } else if (word == "and" && any && last < 0 && at + 1 < words.size() && small_number(words[at + 1].text)) {
      continue;  // "one hundred and five"
    } else if (word == "a" && at == 0 && words.size() > 1 && scale_of(words[1].text) > 0) {
      continue;
    } else {
      break;
    }
  }
  if (!any) return std::nullopt;
  return SpokenNumber{total + part, at};
}

bool says(SpokenWords words, std::size_t at, std::initializer_list<std::string_view> phrase) {
  if (at + phrase.size() > words.size()) return false;
  return std::equal(phrase.begin(), phrase.end(), words.begin() + static_cast<std::ptrdiff_t>(at),
                    [](std::string_view a, const SpokenWord& b) { return a == b.text; });
}

}  // namespace

std::optional<SpokenNumber> number_at(SpokenWords words) {
  if (words.empty()) return std::nullopt;
  if (says(words, 0, {"a", "dozen"})) return SpokenNumber{12, 2};
  if (says(words, 0, {"half", "a", "dozen"})) return SpokenNumber{6, 3};
  if (says(words, 0, {"a", "couple", "of"})) return SpokenNumber{2, 3};
  if (says(words, 0, {"a", "half"})) return SpokenNumber{0.5, 2};
  if (says(words, 0, {"a", "quarter"})) return SpokenNumber{0.25, 2};
  if (says(words, 0, {"three", "quarters"})) return SpokenNumber{0.75, 2};
  if (words[0].text == "half") return SpokenNumber{0.5, 1};
  std::optional<SpokenNumber> number;
  const bool minus =
      (words[0].text == "minus" || words[0].text == "negative" || words[0].text == "-") && words.size() > 1;
  const SpokenWords rest = minus ? words.subspan(1) : words;
  if (const auto value = digits(rest[0].text)) {
    number = SpokenNumber{*value, 1};
    if (rest.size() > 1) {
      if (const double scale = scale_of(rest[1].text); scale > 0) number = SpokenNumber{*value * scale, 2};
    }
  } else {
    number = cardinal_at(rest);
  }
  if (!number) return std::nullopt;
  std::size_t& used = number->words;
  if (says(rest, used, {"point"})) {
    // "twelve point two five"
    double place = 0.1;
    std::size_t at = used + 1;
    for (; at < rest.size(); ++at) {
      const auto digit = small_number(rest[at].text);
      if (!digit || *digit > 9) break;
      number->value += place * *digit;
      place /= 10;
    }
    if (at > used + 1) used = at;
  } else if (says(rest, used, {"and", "a", "half"})) {
    number->value += 0.5;
    used += 3;
  } else if (says(rest, used, {"and", "a", "quarter"})) {
    number->value += 0.25;
    used += 3;
  } else if (says(rest, used, {"and", "three", "quarters"})) {
    number->value += 0.75;
    used += 3;
  }
  if (minus) {
    number->value = -number->value;
    ++used;
  }
  return number;
}

}  // namespace morgan::tools
