// What tools answer, as it is said. English.
#pragma once

#include <cctz/civil_time.h>

#include <span>
#include <string>
#include <string_view>

namespace morgan::tools {

/// "ten past three", "a quarter to five", "noon", "3:12".
std::string time_words(cctz::civil_second at);
/// "Wednesday, March 11th".
std::string day_words(cctz::civil_day day);
/// "today at ten past three", "tomorrow at noon", "on Friday at 5:12", "on May 3rd at noon".
std::string moment_words(cctz::civil_second at, cctz::civil_second now);
/// "1 hour and 15 minutes"; the largest two units.
std::string duration_words(double seconds);
/// "391", "3.3333", "1,234,567", at most four decimals.
std::string number_words(double number);
/// "milk, eggs and bread". @param last  what stands before the last one: "and", "or"
std::string list_words(std::span<const std::string> items, std::string_view last = "and");
/// The first letter large.
std::string sentence(std::string text);
/// What a user said, as Morgan says it back: "my dog is called Rex" is "your dog is called Rex". Without its full stop.
std::string to_second_person(std::string_view said);

}  // namespace morgan::tools
