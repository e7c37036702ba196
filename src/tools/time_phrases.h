// "an hour and a half", "half past six", "tomorrow at eight in the morning": lengths of time and points in time as
// they are spoken. English.
#pragma once

#include "tools/spoken_words.h"

#include <cctz/civil_time.h>

#include <optional>

namespace morgan::tools {

struct SpokenDuration {
  double seconds = 0;
  long long days = 0;     ///< the whole days in them: of the calendar, so one may have 23 hours
  std::size_t words = 0;  ///< how many it took
};

/// The length of time that `words` begin with.
std::optional<SpokenDuration> duration_at(SpokenWords words);

/// "in three days and two hours": days of the calendar, then time that passes whatever clocks are set to.
struct SpokenDistance {
  long long days = 0;
  long long seconds = 0;
};

struct SpokenMoment {
  cctz::civil_second at;
  bool has_time = false;  ///< false: only a day was said, `at` is its midnight
  std::size_t words = 0;
  std::optional<SpokenDistance> ahead = {};    ///< of a moment that was told by it; time_of() adds it
  std::optional<long long> utc_offset_s = {};  ///< of a moment that was written with it

  /// A day without a time is meant in its morning, at nine.
  cctz::civil_second or_morning() const { return has_time ? at : at + 9 * 3'600; }
};

/// The point in time that `words` begin with, the next one after `now`: "at noon", "in ten minutes", "on Friday",
/// "tomorrow at 8", "the 5th of May at half past six". An hour without am or pm is the next one that fits.
std::optional<SpokenMoment> moment_at(SpokenWords words, cctz::civil_second now);

/// A whole text that is one point in time: a phrase as above, or ISO 8601 ("2026-03-12T08:00:00", local time
/// when no "Z" or "+01:00" follows).
std::optional<SpokenMoment> read_moment(std::string_view text, cctz::civil_second now);

/// "2026-03-12T08:00:00".
std::string iso_text(cctz::civil_second at);

}  // namespace morgan::tools
