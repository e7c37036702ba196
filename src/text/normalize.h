// Written text to words that can be spoken (English): numbers, ordinals, years, dates, times, money,
// percent, units, phone numbers, abbreviations, web and mail addresses, symbols; markdown, emoji and
// control characters removed. What it does not know it leaves alone.
#pragma once

#include <string>
#include <string_view>

namespace morgan::text {

/// "Dr. Smith paid $3.50 on 5/3/2024 at 10:30am." ->
/// "Doctor Smith paid three dollars and fifty cents on May third twenty twenty four at ten thirty AM."
/// @param text valid UTF-8
std::string normalize_for_speech(std::string_view text);

/// Removes markdown marks, code fences, emoji, control characters; keeps the words and punctuation.
std::string strip_markup(std::string_view text);

/// "one hundred and five"-style cardinal ("one hundred five", American), for |n| < 10^15.
std::string number_to_words(long long number);

}  // namespace morgan::text
