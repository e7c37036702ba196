#include "text/normalize_rules.h"

#include "base/strings.h"
#include "text/normalize.h"
#include "text/number_words.h"

#include <array>
#include <utility>

namespace morgan::text {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};

std::string month_name(int month) {
  return std::string(kMonths[static_cast<std::size_t>(month - 1)]);
}

bool is_date(int day, int month) {
  return day >= 1 && day <= 31 && month >= 1 && month <= 12;
}

std::string date_words(int day, int month, int year) {
  return month_name(month) + " " + ordinal_to_words(day) + " " + year_to_words(year);
}

/// Two digits of a year: 24 is 2024, 98 is 1998.
int full_year(int year, std::size_t written) {
  constexpr int kPivot = 70;
  if (written > 2) return year;
  return year < kPivot ? 2000 + year : 1900 + year;
}

bool say_iso_date(Scan& scan) {
  Reader reader = scan.reader();
  const auto year = reader.digits(4, 4);
  const std::string separator(1, reader.peek() == '/' ? '/' : '-');
  if (!year || !reader.accept(separator)) return false;
  const auto month = reader.digits(2, 2);
  if (!month || !reader.accept(separator)) return false;
  const auto day = reader.digits(2, 2);
  if (!day || !is_date(*day, *month)) return false;
  const bool time_follows = reader.peek() == 'T' && is_digit(reader.peek(1));
  if (!reader.at_word_end() && !time_follows) return false;
  scan.say(date_words(*day, *month, *year), reader.position() + (time_follows ? 1 : 0));
  return true;
}

/// 5/3/2024 is May third, unless only the European order makes sense; 3.5.2024 is European.
bool say_slash_date(Scan& scan) {
  Reader reader = scan.reader();
  const auto first = reader.digits(1, 2);
  if (!first) return false;
  const char mark = reader.peek();
  if (mark != '/' && mark != '.' && mark != '-') return false;
  const std::string separator(1, mark);
  reader.accept(separator);
  const auto second = reader.digits(1, 2);
  if (!second || !reader.accept(separator)) return false;
  const std::size_t start = reader.position();
  const auto year = mark == '/' ? reader.digits(2, 4) : reader.digits(4, 4);
  const std::size_t written = reader.position() - start;
  if (!year || written == 3 || !reader.at_word_end() || reader.peek() == '/') return false;
  int month = *first;
  int day = *second;
  if (mark == '.' || month > 12) std::swap(month, day);
  if (!is_date(day, month)) return false;
  scan.say(date_words(day, month, full_year(*year, written)), reader.position());
  return true;
}

/// 03/2024
bool say_month_and_year(Scan& scan) {
  Reader reader = scan.reader();
  const auto month = reader.digits(1, 2);
  if (!month || !reader.accept("/")) return false;
  const auto year = reader.digits(4, 4);
  if (!year || !is_date(1, *month) || *year < 1900 || *year > 2099 || !reader.at_word_end()) return false;
  scan.say(concat({month_name(*month), " ", year_to_words(*year)}), reader.position());
  return true;
}

std::string clock_words(int hour, int minute, bool meridiem) {
  if (minute == 0) {
    if (meridiem) return number_to_words(hour);
    if (hour == 0 || hour == 24) return "midnight";
    return hour > 12 ? number_to_words(hour) + " hundred" : number_to_words(hour) + " o'clock";
  }
  return number_to_words(hour) + (minute < 10 ? " oh " : " ") + number_to_words(minute);
}

/// "10:30", "10:30:15", "5pm"; empty when there is no time here.
std::optional<std::string> read_time(Reader& reader, std::string_view text, bool& ends_sentence) {
  Reader ahead = reader;
  const auto hour = ahead.digits(1, 2);
  if (!hour || *hour > 24) return std::nullopt;
  std::optional<int> minute;
  std::optional<int> second;
  if (ahead.peek() == ':') {
    ahead.accept(":");
    minute = ahead.digits(2, 2);
    if (!minute || *minute > 59) return std::nullopt;
    if (ahead.peek() == ':' && is_digit(ahead.peek(1))) {
      ahead.accept(":");
      second = ahead.digits(2, 2);
      if (!second || *second > 59) return std::nullopt;
    }
    if (ahead.peek() == '.' && is_digit(ahead.peek(1))) return std::nullopt;
  }
  const auto meridiem = *hour >= 1 && *hour <= 12 ? read_meridiem(ahead, text) : std::nullopt;
  if ((!minute && !meridiem) || !ahead.at_word_end()) return std::nullopt;
  if (second && *hour == 0 && !meridiem) {  // a length, not a time of day
    reader = ahead;
    return concat({number_to_words(minute.value_or(0)), minute == 1 ? " minute" : " minutes", " and ",
                   number_to_words(*second), *second == 1 ? " second" : " seconds"});
  }
  std::string words = clock_words(*hour, minute.value_or(0), meridiem.has_value());
  if (second) words += concat({" and ", number_to_words(*second), *second == 1 ? " second" : " seconds"});
  if (meridiem) words += concat({" ", meridiem->words});
  ends_sentence = meridiem && meridiem->ends_sentence;
  reader = ahead;
  return words;
}

bool say_time(Scan& scan) {
  Reader reader = scan.reader();
  bool ends_sentence = false;
  auto words = read_time(reader, scan.text, ends_sentence);
  if (!words) return false;
  // "10:30-11:45", "9am-5pm".
  Reader range = reader;
  if (range.accept("-") || range.accept("\u2013") || range.accept(" - ") || range.accept(" \u2013 ")) {
    if (const auto until = read_time(range, scan.text, ends_sentence)) {
      *words += concat({" to ", *until});
      reader = range;
    }
  }
  const Reader after = reader;
  if (after.peek() != '.' && ends_sentence) *words += ".";
  scan.say(*words, reader.position());
  return true;
}

/// ", 2024" or " 2024"; the comma is kept, for the voice pauses there.
std::string read_year(Reader& reader) {
  Reader ahead = reader;
  const bool comma = ahead.accept(",");
  if (!ahead.accept(" ")) return {};
  const auto year = ahead.digits(4, 4);
  if (!year || *year < 1000 || *year > 2199 || !ahead.at_word_end()) return {};
  if (ahead.peek() == ',' && is_digit(ahead.peek(1))) return {};
  reader = ahead;
  return concat({comma ? ", " : " ", year_to_words(*year)});
}

std::optional<int> read_day(Reader& reader) {
  Reader ahead = reader;
  const auto day = ahead.digits(1, 2);
  if (!day || *day < 1 || *day > 31) return std::nullopt;
  for (const std::string_view suffix : {"st", "nd", "rd", "th"}) {
    if (ahead.accept(suffix)) break;
  }
  const char next = ahead.peek();
  const bool larger = (next == ',' || next == '.' || next == ':' || next == '/') && is_digit(ahead.peek(1));
  if (!ahead.at_word_end() || larger || next == '%') return std::nullopt;
  reader = ahead;
  return day;
}

/// "3 May 2024", "3rd of May": the number comes first.
bool say_day_month(Scan& scan) {
  Reader reader = scan.reader();
  const auto day = read_day(reader);
  if (!day || !reader.accept(" ")) return false;
  const bool of = reader.accept("of ");
  if (!is_upper(reader.peek())) return false;
  const std::string_view name = reader.letters();
  const int month = month_of(name);
  if (month == 0 || !reader.at_word_end()) return false;
  if (name.size() < kMonths[static_cast<std::size_t>(month - 1)].size()) reader.accept(".");
  const bool the = !of && !equals_ignore_case(scan.previous_word(), "the");
  std::string words = concat({the ? "the " : "", ordinal_to_words(*day), " of ", month_name(month)});
  words += read_year(reader);
  scan.say(words, reader.position());
  return true;
}

}  // namespace

int month_of(std::string_view word) {
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (word == kMonths[i] || word == kMonths[i].substr(0, 3)) return static_cast<int>(i) + 1;
  }
  return word == "Sept" ? 9 : 0;
}

std::optional<Meridiem> read_meridiem(Reader& reader, std::string_view text) {
  Reader ahead = reader;
  ahead.accept(" ");
  const char first = ahead.peek();
  const bool morning = first == 'a' || first == 'A';
  if (!morning && first != 'p' && first != 'P') return std::nullopt;
  const bool dotted = ahead.peek(1) == '.';
  const char second = ahead.peek(dotted ? 2 : 1);
  if (second != 'm' && second != 'M') return std::nullopt;
  ahead.move_to(ahead.position() + (dotted ? 3 : 2));
  if (!ahead.at_word_end() || ahead.peek() == '\'') return std::nullopt;
  Meridiem result{morning ? "AM" : "PM", false};
  if (dotted && ahead.accept(".")) result.ends_sentence = stop_ends_sentence(text, ahead.position() - 1);
  reader = ahead;
  return result;
}

bool say_date_or_time(Scan& scan) {
  if (!is_digit(scan.reader().peek())) return false;
  return say_iso_date(scan) || say_slash_date(scan) || say_month_and_year(scan) || say_time(scan) ||
         say_day_month(scan);
}

bool say_month(Scan& scan) {
  Reader reader = scan.reader();
  if (!is_upper(reader.peek())) return false;
  const std::string_view name = reader.letters();
  const int month = month_of(name);
  if (month == 0) return false;
  const bool short_name = name.size() < kMonths[static_cast<std::size_t>(month - 1)].size();
  if (short_name) reader.accept(".");
  Reader ahead = reader;
  if (!ahead.accept(" ")) return false;
  std::string words = month_name(month);
  if (const auto day = read_day(ahead)) {
    words += concat({" ", ordinal_to_words(*day)});
    Reader range = ahead;
    if (range.accept("-") || range.accept("\u2013")) {
      if (const auto until = read_day(range)) {
        words += concat({" to ", ordinal_to_words(*until)});
        ahead = range;
      }
    }
    words += read_year(ahead);
  } else {
    ahead = reader;
    const std::string year = read_year(ahead);
    if (year.empty()) return false;
    words += year;
  }
  scan.say(words, ahead.position());
  return true;
}

}  // namespace morgan::text
