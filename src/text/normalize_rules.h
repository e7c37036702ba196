// The rules of normalize_for_speech(), by what they read. Each looks at the text at the scan's position
// and either speaks a part of it (true) or leaves the scan as it was (false). Private to text/.
#pragma once

#include "text/scan.h"

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace morgan::text {

bool say_web_address(Scan& scan);   ///< addresses of pages and mail, file names
bool say_date_or_time(Scan& scan);  ///< 5/3/2024, 2024-05-03, 10:30am, 5 p.m.
bool say_month(Scan& scan);         ///< May 3, 2024; 3 May 2024; Sept. 2024
bool say_money(Scan& scan);         ///< $3.50, -EUR 5 million with the sign, $5-10, $5/month
bool say_phone_number(Scan& scan);  ///< (555) 123-4567, +49 30 123456
bool say_number(Scan& scan);        ///< everything else that starts with a digit or a sign
bool say_word(Scan& scan);          ///< abbreviations, acronyms, Roman numerals; copies any other word
bool say_symbol(Scan& scan);        ///< & @ # + = / and the rest

/// Month of a name or abbreviation ("May", "Sept"), 1..12; 0 for another word.
int month_of(std::string_view word);

/// "am", "PM", "a.m.", "p.m." with or without a blank in front.
struct Meridiem {
  std::string words;  ///< "AM"
  bool ends_sentence = false;
};
std::optional<Meridiem> read_meridiem(Reader& reader, std::string_view text);

/// "/month" after an amount: " per month"; else empty.
std::string read_per(Reader& reader);

/// The parts, one after another.
std::string concat(std::initializer_list<std::string_view> parts);

/// Letters one by one: "CPU" -> "C P U", "API" -> "A-P I", "USA" as it is.
std::string spell_letters(std::string_view letters);

/// "USA", "HTTP": capitals that are read letter by letter.
bool is_all_caps(std::string_view word);
bool is_spelled(std::string_view letters);

/// The whole word before `end` as letters ("CPUs"), or as a Roman numeral ("Chapter IV", "Henry VIII").
bool say_acronym(Scan& scan, std::string_view word, std::size_t end);
bool say_roman(Scan& scan, std::string_view word, std::size_t end);

}  // namespace morgan::text
