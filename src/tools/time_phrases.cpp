#include "tools/time_phrases.h"

#include "base/strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

namespace morgan::tools {

namespace {

constexpr double kMinute = 60;
constexpr double kHour = 3'600;
constexpr double kDay = 86'400;
/// What is further away is nothing that is planned by voice.
constexpr double kMostDays = 3'660;

double unit_seconds(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, double>, 20> kUnits{
      {{"second", 1},       {"seconds", 1},       {"sec", 1},         {"secs", 1},         {"s", 1},
       {"minute", kMinute}, {"minutes", kMinute}, {"min", kMinute},   {"mins", kMinute},   {"m", kMinute},
       {"hour", kHour},     {"hours", kHour},     {"hr", kHour},      {"hrs", kHour},      {"h", kHour},
       {"day", kDay},       {"days", kDay},       {"week", 7 * kDay}, {"weeks", 7 * kDay}, {"fortnight", 14 * kDay}}};
  for (const auto& [name, seconds] : kUnits) {
    if (name == word) return seconds;
  }
  return 0;
}

/// Words from `at` on, for reading one after another.
class Reader {
 public:
  explicit Reader(SpokenWords words) : words_(words) {}
  std::string_view word(std::size_t ahead = 0) const {
    return at_ + ahead < words_.size() ? std::string_view(words_[at_ + ahead].text) : std::string_view();
  }
  bool take(std::initializer_list<std::string_view> phrase) {
    std::size_t i = 0;
    for (const std::string_view each : phrase) {
      if (word(i++) != each) return false;
    }
    at_ += phrase.size();
    return true;
  }
  bool take_any(std::initializer_list<std::string_view> choices) {
    for (const std::string_view each : choices) {
      if (word() == each) {
        ++at_;
        return true;
      }
    }
    return false;
  }
  std::optional<double> number() {
    const auto found = number_at(words_.subspan(std::min(at_, words_.size())));
    if (!found) return std::nullopt;
    at_ += found->words;
    return found->value;
  }
  SpokenWords rest() const { return words_.subspan(std::min(at_, words_.size())); }
  void skip(std::size_t count) { at_ += count; }
  std::size_t at() const { return at_; }
  void back_to(std::size_t at) { at_ = at; }

 private:
  SpokenWords words_;
  std::size_t at_ = 0;
};

struct Length {
  double seconds = 0;
  double days = 0;  // of these, those that were said as days or weeks
};

/// "five minutes", "an hour", "half an hour", "a quarter of an hour".
std::optional<Length> one_length(Reader& reader) {
  const std::size_t begin = reader.at();
  double count = 1;
  if (reader.take({"half", "an"}) || reader.take({"half", "a"})) {
    count = 0.5;
  } else if (reader.take({"a", "quarter", "of", "an"}) || reader.take({"quarter", "of", "an"}) ||
             reader.take({"a", "quarter"}) || reader.take({"quarter"})) {
    count = 0.25;
  } else if (reader.take({"three", "quarters", "of", "an"})) {
    count = 0.75;
  } else if (unit_seconds(reader.word(1)) > 0 && reader.take_any({"a", "an"})) {
    count = 1;
  } else if (const auto number = reader.number()) {
    count = *number;
  } else {
    return std::nullopt;
  }
  const double seconds = unit_seconds(reader.word());
  if (seconds == 0 || count < 0) {
    reader.back_to(begin);
    return std::nullopt;
  }
  reader.skip(1);
  if (reader.take({"and", "a", "half"})) count += 0.5;
  if (reader.take({"and", "a", "quarter"})) count += 0.25;
  return Length{count * seconds, seconds >= kDay ? count * seconds / kDay : 0};
}

int month_of(std::string_view word) {
  static constexpr std::array<std::string_view, 12> kMonths{"january",   "february", "march",    "april",
                                                            "may",       "june",     "july",     "august",
                                                            "september", "october",  "november", "december"};
  const auto found = std::find(kMonths.begin(), kMonths.end(), word);
  return found == kMonths.end() ? 0 : static_cast<int>(found - kMonths.begin()) + 1;
}

std::optional<cctz::weekday> weekday_of(std::string_view word) {
  static constexpr std::array<std::string_view, 7> kDays{"monday", "tuesday",  "wednesday", "thursday",
                                                         "friday", "saturday", "sunday"};
  const auto found = std::find(kDays.begin(), kDays.end(), word);
  if (found == kDays.end()) return std::nullopt;
  return static_cast<cctz::weekday>(found - kDays.begin());
}

/// "5th", "fifth", "5".
std::optional<int> day_number(Reader& reader) {
  static constexpr std::array<std::string_view, 31> kOrdinals{
      "first",        "second",       "third",          "fourth",        "fifth",        "sixth",
      "seventh",      "eighth",       "ninth",          "tenth",         "eleventh",     "twelfth",
      "thirteenth",   "fourteenth",   "fifteenth",      "sixteenth",     "seventeenth",  "eighteenth",
      "nineteenth",   "twentieth",    "twenty-first",   "twenty-second", "twenty-third", "twenty-fourth",
      "twenty-fifth", "twenty-sixth", "twenty-seventh", "twenty-eighth", "twenty-ninth", "thirtieth",
      "thirty-first"};
  const std::string_view word = reader.word();
  const auto found = std::find(kOrdinals.begin(), kOrdinals.end(), word);
  int day = found == kOrdinals.end() ? 0 : static_cast<int>(found - kOrdinals.begin()) + 1;
  std::size_t used = 1;
  if ((word == "twenty" || word == "thirty") && day == 0) {
    const auto second = std::find(kOrdinals.begin(), kOrdinals.begin() + 9, reader.word(1));
    if (second == kOrdinals.begin() + 9) return std::nullopt;
    day = (word == "twenty" ? 20 : 30) + static_cast<int>(second - kOrdinals.begin()) + 1;
    used = 2;
  }
  if (day == 0) {
    std::string_view digits = word;
    for (const std::string_view ending : {"st", "nd", "rd", "th"}) {
      if (digits.size() > 2 && digits.ends_with(ending)) digits.remove_suffix(2);
    }
    const auto number = parse_integer(digits);
    if (!number || *number < 1 || *number > 31) return std::nullopt;
    day = static_cast<int>(*number);
  }
  if (day > 31) return std::nullopt;
  reader.skip(used);
  return day;
}

/// The next such day of a year, today included.
std::optional<cctz::civil_day> next_date(int month, int day, cctz::civil_day today) {
  for (int year = 0; year < 2; ++year) {
    const cctz::civil_day date(today.year() + year, month, day);
    if (date.month() == month && date >= today) return date;
  }
  return std::nullopt;
}

struct DayPart {
  std::optional<cctz::civil_day> day;
  int half = -1;  ///< 0: before noon, 1: after it
  bool night = false;
};

/// Reads one phrase of a day or of a part of it. @return false: there is none
bool read_day(Reader& reader, cctz::civil_day today, DayPart& part) {
  const std::size_t begin = reader.at();
  if (reader.take({"the", "day", "after", "tomorrow"}) || reader.take({"day", "after", "tomorrow"})) {
    part.day = today + 2;
    return true;
  }
  if (reader.take({"today"})) {
    part.day = today;
    return true;
  }
  if (reader.take({"tonight"})) {
    part.day = today;
    part.half = 1;
    part.night = true;
    return true;
  }
  if (reader.take({"tomorrow"})) {
    part.day = today + 1;
    return true;
  }
  const bool this_one = reader.take({"this"});
  if (reader.take({"in", "the", "morning"}) || reader.take({"morning"})) {
    if (this_one) part.day = today;
    part.half = 0;
    return true;
  }
  if (reader.take({"in", "the", "afternoon"}) || reader.take({"afternoon"}) || reader.take({"in", "the", "evening"}) ||
      reader.take({"evening"}) || reader.take({"at", "night"}) || reader.take({"night"})) {
    if (this_one) part.day = today;
    part.half = 1;
    return true;
  }
  reader.back_to(begin);
  static_cast<void>(reader.take({"on"}) || reader.take({"this"}));
  const bool next = reader.take({"next"});
  if (reader.take({"week"}) && next) {
    part.day = today + 7;
    return true;
  }
  if (const auto weekday = weekday_of(reader.word())) {
    reader.skip(1);
    part.day = cctz::next_weekday(today, *weekday);
    return true;
  }
  static_cast<void>(reader.take({"the"}));
  if (const int month = month_of(reader.word()); month > 0) {
    reader.skip(1);
    static_cast<void>(reader.take({"the"}));
    if (const auto day = day_number(reader)) part.day = next_date(month, *day, today);
    if (part.day) return true;
  } else if (const auto day = day_number(reader)) {
    static_cast<void>(reader.take({"of"}));
    if (const int of = month_of(reader.word()); of > 0) {
      reader.skip(1);
      part.day = next_date(of, *day, today);
      if (part.day) return true;
    }
  }
  reader.back_to(begin);
  return false;
}

struct ClockTime {
  int hour = 0;
  int minute = 0;
  bool exact = false;  ///< am, pm, noon, or an hour that cannot be before noon
};

/// "am", "a.m" or "pm" behind an hour.
void read_half(Reader& reader, ClockTime& time) {
  const bool am = reader.take_any({"am", "a.m", "a.m."});
  const bool pm = !am && reader.take_any({"pm", "p.m", "p.m."});
  if (am || pm) {
    time.hour = time.hour % 12 + (pm ? 12 : 0);
    time.exact = true;
  }
}

/// "half past six", "ten to nine", "quarter past four".
bool read_relative(Reader& reader, ClockTime& time) {
  const std::size_t begin = reader.at();
  double minutes = 0;
  if (reader.take({"half"})) {
    minutes = 30;
  } else if (reader.take({"a", "quarter"}) || reader.take({"quarter"})) {
    minutes = 15;
  } else if (const auto number = reader.number(); number && *number > 0 && *number < 60) {
    minutes = *number;
    static_cast<void>(reader.take_any({"minutes", "minute"}));
  }
  const bool past = minutes > 0 && reader.take_any({"past", "after"});
  const bool before = minutes > 0 && !past && reader.take_any({"to", "before"});
  const auto hour = past || before ? reader.number() : std::nullopt;
  if (!hour || *hour < 1 || *hour > 23 || std::floor(*hour) != *hour) {
    reader.back_to(begin);
    return false;
  }
  time.hour = static_cast<int>(*hour);
  time.minute = static_cast<int>(minutes);
  if (before) {
    time.hour = time.hour == 1 ? 12 : time.hour - 1;
    time.minute = 60 - time.minute;
  }
  time.exact = time.hour > 12;
  read_half(reader, time);
  return true;
}

std::optional<ClockTime> read_colon(std::string_view word) {
  const std::size_t colon = word.find_first_of(":.");
  if (colon == std::string_view::npos || word.size() != colon + 3) return std::nullopt;
  const auto hour = parse_integer(word.substr(0, colon));
  const auto minute = parse_integer(word.substr(colon + 1));
  if (!hour || !minute || *hour < 0 || *hour > 23 || *minute < 0 || *minute > 59) return std::nullopt;
  return ClockTime{static_cast<int>(*hour), static_cast<int>(*minute), *hour > 12 || *hour == 0 || word.front() == '0'};
}

/// @param named  "at" was said, so a bare number is an hour
bool read_time(Reader& reader, bool named, ClockTime& time) {
  if (reader.take({"noon"}) || reader.take({"midday"})) {
    time = {12, 0, true};
    return true;
  }
  if (reader.take({"midnight"})) {
    time = {0, 0, true};
    return true;
  }
  if (read_relative(reader, time)) return true;
  const std::size_t begin = reader.at();
  if (const auto colon = read_colon(reader.word())) {
    time = *colon;
    reader.skip(1);
    read_half(reader, time);
    return true;
  }
  const auto hour = reader.number();
  if (!hour || *hour < 0 || *hour > 23 || std::floor(*hour) != *hour) {
    reader.back_to(begin);
    return false;
  }
  time = {static_cast<int>(*hour), 0, *hour > 12};
  bool sure = named;
  if (const std::size_t before = reader.at(); true) {
    const auto minute = reader.number();
    const bool follows =
        minute && *minute >= 1 && *minute < 60 && std::floor(*minute) == *minute && unit_seconds(reader.word()) == 0;
    if (follows) {
      time.minute = static_cast<int>(*minute);
      sure = sure || *minute >= 10;
    } else {
      reader.back_to(before);
    }
  }
  sure = reader.take_any({"o'clock", "oclock", "hours"}) || sure;
  const bool exact = time.exact;
  read_half(reader, time);
  sure = sure || (time.exact && !exact);
  // "six in the morning" is an hour, too.
  sure = sure || reader.word() == "in" || reader.word() == "tomorrow" || reader.word() == "tonight";
  if (!sure || unit_seconds(reader.word()) > 0) {
    reader.back_to(begin);
    return false;
  }
  return true;
}

/// A night ends at this hour.
constexpr int kMorning = 6;

cctz::civil_second settle(const DayPart& part, ClockTime time, cctz::civil_second now) {
  const cctz::civil_day today(now);
  if (!time.exact && part.night && time.hour >= 1 && time.hour < kMorning) {
    time.exact = true;  // "tonight at one"
  } else if (!time.exact && part.half >= 0 && time.hour <= 12) {
    time.hour = time.hour % 12 + (part.half == 1 ? 12 : 0);
    if (part.night && time.hour == 12) time.hour = 24;  // "tonight at twelve"
    time.exact = true;
  }
  const auto at = [&](cctz::civil_day day) {
    return cctz::civil_second(day.year(), day.month(), day.day(), time.hour, time.minute, 0);
  };
  const bool small_hours = time.exact && time.hour < kMorning;
  if (part.day && *part.day != today) {
    if (!time.exact && time.hour >= 1 && time.hour <= 6) time.hour += 12;  // nobody means three at night
    return at(*part.day + (part.night && small_hours ? 1 : 0));
  }
  cctz::civil_second when = at(today);
  if (!time.exact) {
    while (when <= now)
      when += 12 * 3'600;
  } else if (when <= now && (!part.day || time.hour == 0 || (part.night && small_hours))) {
    when = at(today + 1);  // midnight is the end of the day that it is said of
  }
  return when;
}

/// Of what stands behind the minutes in ISO 8601: ":00", ":00.5Z", ":00+01:00", "-05:00".
std::optional<long long> utc_offset_of(std::string_view rest) {
  const std::size_t at = rest.find_first_of("Zz+-");
  if (at == std::string_view::npos) return std::nullopt;
  if (rest[at] == 'Z' || rest[at] == 'z') return 0;
  const std::string_view zone = rest.substr(at + 1);
  if (zone.size() != 5 || zone[2] != ':') return std::nullopt;
  const auto hours = parse_integer(zone.substr(0, 2));
  const auto minutes = parse_integer(zone.substr(3));
  if (!hours || !minutes || *hours < 0 || *hours > 14 || *minutes < 0 || *minutes > 59) return std::nullopt;
  const long long seconds = *hours * 3'600 + *minutes * 60;
  return rest[at] == '-' ? -seconds : seconds;
}

}  // namespace

std::optional<SpokenDuration> duration_at(SpokenWords words) {
  Reader reader(words);
  auto first = one_length(reader);
  if (!first) return std::nullopt;
  Length total = *first;
  for (;;) {
    const std::size_t before = reader.at();
    static_cast<void>(reader.take({"and"}));
    const auto more = one_length(reader);
    if (!more) {
      reader.back_to(before);
      break;
    }
    total.seconds += more->seconds;
    total.days += more->days;
  }
  return SpokenDuration{total.seconds, static_cast<long long>(std::min(total.days, kMostDays)), reader.at()};
}

std::optional<SpokenMoment> moment_at(SpokenWords words, cctz::civil_second now) {
  Reader reader(words);
  if (reader.take({"in"})) {
    if (const auto length = duration_at(reader.rest())) {
      const long long seconds = std::llround(std::min(length->seconds, kMostDays * kDay));
      const long long of_days = length->days * std::llround(kDay);
      return SpokenMoment{now + seconds, true, 1 + length->words,
                          SpokenDistance{length->days, std::max(0LL, seconds - of_days)}};
    }
    reader.back_to(0);
  }
  DayPart part;
  ClockTime time;
  bool has_time = false;
  bool any = false;
  std::size_t end = 0;
  for (int phrases = 0; phrases < 5; ++phrases) {
    if (read_day(reader, cctz::civil_day(now), part)) {
      any = true;
    } else if (!has_time) {
      const bool named = reader.take({"at"}) || reader.take({"for"}) || reader.take({"by"});
      has_time = read_time(reader, named || any, time);
      if (!has_time) break;
      any = true;
    } else {
      break;
    }
    end = reader.at();
  }
  if (!any) return std::nullopt;
  if (has_time) return SpokenMoment{settle(part, time, now), true, end};
  if (!part.day) {
    if (part.half < 0) return std::nullopt;
    part.day = cctz::civil_day(now);
  }
  if (part.half >= 0) {
    // "tomorrow morning", "tonight"
    const int hour = part.half == 0 ? 9 : part.night ? 20 : 18;
    return SpokenMoment{settle(part, {hour, 0, true}, now), true, end};
  }
  return SpokenMoment{cctz::civil_second(*part.day), false, end};
}

std::optional<SpokenMoment> read_moment(std::string_view text, cctz::civil_second now) {
  const std::string plain = plain_text(trim(text));
  if (plain.size() >= 16 && plain[4] == '-' && (plain[10] == 'T' || plain[10] == ' ')) {
    const auto number = [&](std::size_t from, std::size_t size) {
      const auto value = parse_integer(std::string_view(plain).substr(from, size));
      return value ? static_cast<int>(*value) : -1;
    };
    const int month = number(5, 2);
    const int day = number(8, 2);
    const int hour = number(11, 2);
    const int minute = number(14, 2);
    const int second = plain.size() >= 19 ? number(17, 2) : 0;
    const bool good = number(0, 4) > 0 && month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour >= 0 &&
                      hour <= 23 && minute >= 0 && minute <= 59 && second >= 0 && second <= 59;
    if (!good) return std::nullopt;
    return SpokenMoment{cctz::civil_second(number(0, 4), month, day, hour, minute, second), true, 1, std::nullopt,
                        utc_offset_of(std::string_view(plain).substr(16))};
  }
  const std::vector<SpokenWord> words = words_of(plain);
  const auto moment = moment_at(words, now);
  if (!moment || moment->words != words.size()) return std::nullopt;
  return moment;
}

std::string iso_text(cctz::civil_second at) {
  return fmt::format("{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}", at.year(), at.month(), at.day(), at.hour(),
                     at.minute(), at.second());
}

}  // namespace morgan::tools
