#include "tools/spoken_form.h"

#include "base/strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

namespace morgan::tools {

namespace {

constexpr std::array<std::string_view, 13> kHours{"twelve", "one",   "two",  "three", "four",   "five",  "six",
                                                  "seven",  "eight", "nine", "ten",   "eleven", "twelve"};

std::string counted(long long number, std::string_view unit) {
  return fmt::format("{} {}{}", number, unit, number == 1 ? "" : "s");
}

std::string_view ordinal_ending(int day) {
  if (day >= 11 && day <= 13) return "th";
  switch (day % 10) {
    case 1:
      return "st";
    case 2:
      return "nd";
    case 3:
      return "rd";
    default:
      return "th";
  }
}

std::string month_day(cctz::civil_day day) {
  static constexpr std::array<std::string_view, 12> kMonths{"January",   "February", "March",    "April",
                                                            "May",       "June",     "July",     "August",
                                                            "September", "October",  "November", "December"};
  return fmt::format("{} {}{}", kMonths[static_cast<std::size_t>(day.month() - 1)], day.day(),
                     ordinal_ending(day.day()));
}

std::string_view weekday_name(cctz::civil_day day) {
  static constexpr std::array<std::string_view, 7> kDays{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                         "Friday", "Saturday", "Sunday"};
  return kDays[static_cast<std::size_t>(cctz::get_weekday(day))];
}

constexpr std::string_view kMarks = ".,!?;:";

bool is_mark(char c) {
  return kMarks.find(c) != std::string_view::npos;
}

struct Replacement {
  std::string_view from;
  std::string_view to;
};

constexpr std::array kSecondPerson{
    Replacement{"i", "you"},        Replacement{"i'm", "you're"},      Replacement{"i've", "you've"},
    Replacement{"i'd", "you'd"},    Replacement{"i'll", "you'll"},     Replacement{"me", "you"},
    Replacement{"my", "your"},      Replacement{"mine", "yours"},      Replacement{"myself", "yourself"},
    Replacement{"am", "are"},       Replacement{"you", "me"},          Replacement{"your", "my"},
    Replacement{"yours", "mine"},   Replacement{"yourself", "myself"}, Replacement{"we", "you"},
    Replacement{"we're", "you're"}, Replacement{"we've", "you've"},    Replacement{"our", "your"},
    Replacement{"ours", "yours"},   Replacement{"us", "you"}};

std::string_view second_person_of(std::string_view lower) {
  const auto found = std::find_if(kSecondPerson.begin(), kSecondPerson.end(),
                                  [&](const Replacement& each) { return each.from == lower; });
  return found == kSecondPerson.end() ? std::string_view() : found->to;
}

}  // namespace

std::string time_words(cctz::civil_second at) {
  const int hour = at.hour();
  const int minute = at.minute();
  if (minute == 0) {
    if (hour == 0) return "midnight";
    if (hour == 12) return "noon";
    return std::string(kHours[static_cast<std::size_t>(hour % 12)]) + " o'clock";
  }
  static constexpr std::array<std::pair<int, std::string_view>, 5> kPast{
      {{5, "five"}, {10, "ten"}, {15, "a quarter"}, {20, "twenty"}, {25, "twenty-five"}}};
  const auto name = [](int of_hour) { return kHours[static_cast<std::size_t>(of_hour % 12)]; };
  if (minute == 30) return fmt::format("half past {}", name(hour));
  for (const auto& [minutes, words] : kPast) {
    if (minute == minutes) return fmt::format("{} past {}", words, name(hour));
    if (minute == 60 - minutes) return fmt::format("{} to {}", words, name(hour + 1));
  }
  return fmt::format("{}:{:02d}", hour % 12 == 0 ? 12 : hour % 12, minute);
}

std::string day_words(cctz::civil_day day) {
  return fmt::format("{}, {}", weekday_name(day), month_day(day));
}

std::string moment_words(cctz::civil_second at, cctz::civil_second now) {
  const cctz::civil_day day(at);
  const cctz::civil_day today(now);
  std::string when;
  if (day == today) {
    when = "today";
  } else if (day == today + 1) {
    when = "tomorrow";
  } else if (day > today && day - today < 7) {
    when = fmt::format("on {}", weekday_name(day));
  } else {
    when = fmt::format("on {}", month_day(day));
  }
  const int hour = at.hour();
  const bool plain = at.minute() == 0 && (hour == 0 || hour == 12);
  const std::string_view half = plain       ? ""
                                : hour < 12 ? " in the morning"
                                : hour < 18 ? " in the afternoon"
                                            : " in the evening";
  return fmt::format("{} at {}{}", when, time_words(at), half);
}

std::string duration_words(double seconds) {
  auto left = static_cast<long long>(std::llround(std::max(0.0, seconds)));
  static constexpr std::array<std::pair<long long, std::string_view>, 4> kUnits{
      {{86'400, "day"}, {3'600, "hour"}, {60, "minute"}, {1, "second"}}};
  std::vector<std::string> parts;
  for (const auto& [size, name] : kUnits) {
    if (left < size) {
      if (!parts.empty()) break;  // "2 hours", not "2 hours and 5 seconds"
      continue;
    }
    parts.push_back(counted(left / size, name));
    left %= size;
    if (parts.size() == 2) break;
  }
  if (parts.empty()) return "0 seconds";
  return list_words(parts);
}

std::string number_words(double number) {
  constexpr double kWhole = 1e15;
  const bool whole =
      std::abs(number) < kWhole && std::abs(number - std::round(number)) < 1e-9 * std::max(1.0, std::abs(number));
  if (!whole && (std::abs(number) >= kWhole || (number != 0 && std::abs(number) < 1e-4)))
    return fmt::format("{:.4g}", number);
  std::string text = whole ? fmt::format("{:.0f}", number) : fmt::format("{:.4f}", number);
  if (!whole) {
    while (text.back() == '0')
      text.pop_back();
    if (text.back() == '.') text.pop_back();
  }
  if (text == "-0") text = "0";
  const std::size_t begin = text.front() == '-' ? 1 : 0;
  std::size_t end = std::min(text.find('.'), text.size());
  while (end > begin + 3) {
    end -= 3;
    text.insert(end, 1, ',');
  }
  return text;
}

std::string list_words(std::span<const std::string> items, std::string_view last) {
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) text += i + 1 == items.size() ? fmt::format(" {} ", last) : ", ";
    text += items[i];
  }
  return text;
}

std::string sentence(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string to_second_person(std::string_view said) {
  std::string_view rest = trim(said);
  while (!rest.empty() && is_mark(rest.back()))
    rest.remove_suffix(1);
  std::vector<std::string> words = split(rest, ' ');
  bool after_i = false;
  bool after_thank = false;  // "thank you cards"
  for (std::string& word : words) {
    std::size_t end = word.size();
    while (end > 0 && is_mark(word[end - 1]))
      --end;
    const std::string lower = to_lower_ascii(std::string_view(word).substr(0, end));
    std::string_view other = second_person_of(lower);
    if (after_i && lower == "was") other = "were";
    if (lower == "you" && &word == &words.front()) other = "I";
    if (after_thank && lower == "you") other = {};
    after_i = lower == "i";
    after_thank = lower == "thank";
    if (!other.empty()) word = std::string(other) + word.substr(end);
  }
  return join(words, " ");
}

}  // namespace morgan::tools
