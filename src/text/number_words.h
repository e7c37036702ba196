// Numbers as English words (American: "one hundred five"). Private to text/.
#pragma once

#include <string>
#include <string_view>

namespace morgan::text {

std::string number_to_words(long long number);
/// "first", "twenty first", "one hundredth".
std::string ordinal_to_words(long long number);
/// 1999 "nineteen ninety nine", 2005 "two thousand five", 1900 "nineteen hundred".
std::string year_to_words(int year);
/// 1990 "nineteen nineties", 90 "nineties", 2000 "two thousands".
std::string decade_to_words(int year);
/// "007" -> "zero zero seven"; other characters are dropped.
std::string digits_to_words(std::string_view digits);
/// "3", "14" -> "three point one four"; an empty fraction gives the whole number alone. Numbers with a
/// leading zero or more than 15 digits are read digit by digit.
std::string decimal_to_words(std::string_view whole, std::string_view fraction);
/// 1/2 "one half", 3/4 "three quarters", 5/37 "five over thirty seven".
std::string fraction_to_words(long long numerator, long long denominator);
/// The plural of the last word: "twenty" -> "twenties", "dollar" -> "dollars".
std::string plural(std::string words);

}  // namespace morgan::text
