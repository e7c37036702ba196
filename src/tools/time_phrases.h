// "an hour and a half", "half past six", "tomorrow at eight in the morning": lengths of time and points in time as
// they are spoken. English.
#pragma once

#include "tools/spoken_words.h"

#include <cctz/civil_time.h>

#include <optional>

namespace morgan::tools {

struct SpokenDuration {
  double seconds = 0;
  std::size_t words = 0;  ///< how many it took
};

/// The length of time that `words` begin with.
std::optional<SpokenDuration> duration_at(SpokenWords words);

struct SpokenMoment {
  cctz::civil_second at;
  bool has_time = false;  ///< false: only a day was said, `at` is its midnight
  std::size_t words = 0;
};

/// The point in time that `words` begin with, the next one after `now`: "at noon", "in ten minutes", "on Friday",
/// "tomorrow at 8", "the 5th of May at half past six". An hour without am or pm is the next one that fits.
std::optional<SpokenMoment> moment_at(SpokenWords words, cctz::civil_second now);

/// A whole text that is one point in time: a phrase as above, or ISO 8601 ("2026-03-12T08:00:00", without a zone).
std::optional<SpokenMoment> read_moment(std::string_view text, cctz::civil_second now);

/// "2026-03-12T08:00:00".
std::string iso_text(cctz::civil_second at);

}  // namespace morgan::tools
