#include "text/units.h"

#include "text/utf8.h"

#include <cstdint>

namespace morgan::text {
namespace {

enum class Spacing : std::uint8_t { kAny, kAttached };

struct Unit {
  std::string_view symbol;
  std::string_view singular;
  std::string_view plural;
  Spacing spacing = Spacing::kAny;
};

constexpr Unit kUnits[] = {
    {"km/h", "kilometer per hour", "kilometers per hour"},
    {"kmh", "kilometer per hour", "kilometers per hour"},
    {"kph", "kilometer per hour", "kilometers per hour"},
    {"m/s\u00B2", "meter per second squared", "meters per second squared"},
    {"m/s", "meter per second", "meters per second"},
    {"mph", "mile per hour", "miles per hour"},
    {"mpg", "mile per gallon", "miles per gallon"},
    {"km\u00B2", "square kilometer", "square kilometers"},
    {"km2", "square kilometer", "square kilometers"},
    {"m\u00B2", "square meter", "square meters"},
    {"m2", "square meter", "square meters"},
    {"m\u00B3", "cubic meter", "cubic meters"},
    {"m3", "cubic meter", "cubic meters"},
    {"cm\u00B2", "square centimeter", "square centimeters"},
    {"cm\u00B3", "cubic centimeter", "cubic centimeters"},
    {"ft\u00B2", "square foot", "square feet"},
    {"sq ft", "square foot", "square feet"},
    {"sq. ft.", "square foot", "square feet"},
    {"km", "kilometer", "kilometers"},
    {"cm", "centimeter", "centimeters"},
    {"mm", "millimeter", "millimeters"},
    {"\u00B5m", "micrometer", "micrometers"},
    {"\u03BCm", "micrometer", "micrometers"},
    {"nm", "nanometer", "nanometers"},
    {"m", "meter", "meters"},
    {"mi", "mile", "miles"},
    {"ft", "foot", "feet"},
    {"yd", "yard", "yards"},
    {"yds", "yard", "yards"},
    {"in", "inch", "inches", Spacing::kAttached},
    {"kg", "kilogram", "kilograms"},
    {"mg", "milligram", "milligrams"},
    {"\u00B5g", "microgram", "micrograms"},
    {"\u03BCg", "microgram", "micrograms"},
    {"g", "gram", "grams"},
    {"lb", "pound", "pounds"},
    {"lbs", "pound", "pounds"},
    {"oz", "ounce", "ounces"},
    {"ml", "milliliter", "milliliters"},
    {"mL", "milliliter", "milliliters"},
    {"cl", "centiliter", "centiliters"},
    {"l", "liter", "liters"},
    {"L", "liter", "liters"},
    {"gal", "gallon", "gallons"},
    {"tbsp", "tablespoon", "tablespoons"},
    {"tsp", "teaspoon", "teaspoons"},
    {"ms", "millisecond", "milliseconds"},
    {"\u00B5s", "microsecond", "microseconds"},
    {"\u03BCs", "microsecond", "microseconds"},
    {"us", "microsecond", "microseconds", Spacing::kAttached},
    {"ns", "nanosecond", "nanoseconds"},
    {"s", "second", "seconds"},
    {"sec", "second", "seconds"},
    {"secs", "second", "seconds"},
    {"min", "minute", "minutes"},
    {"mins", "minute", "minutes"},
    {"h", "hour", "hours"},
    {"hr", "hour", "hours"},
    {"hrs", "hour", "hours"},
    {"yr", "year", "years"},
    {"yrs", "year", "years"},
    {"Hz", "hertz", "hertz"},
    {"kHz", "kilohertz", "kilohertz"},
    {"MHz", "megahertz", "megahertz"},
    {"GHz", "gigahertz", "gigahertz"},
    {"W", "watt", "watts"},
    {"kW", "kilowatt", "kilowatts"},
    {"MW", "megawatt", "megawatts"},
    {"GW", "gigawatt", "gigawatts"},
    {"Wh", "watt hour", "watt hours"},
    {"kWh", "kilowatt hour", "kilowatt hours"},
    {"V", "volt", "volts"},
    {"mV", "millivolt", "millivolts"},
    {"kV", "kilovolt", "kilovolts"},
    {"A", "amp", "amps", Spacing::kAttached},
    {"mA", "milliamp", "milliamps"},
    {"mAh", "milliamp hour", "milliamp hours"},
    {"\u03A9", "ohm", "ohms"},
    {"\u2126", "ohm", "ohms"},
    {"k\u03A9", "kiloohm", "kiloohms"},
    {"KB", "kilobyte", "kilobytes"},
    {"kB", "kilobyte", "kilobytes"},
    {"MB", "megabyte", "megabytes"},
    {"GB", "gigabyte", "gigabytes"},
    {"TB", "terabyte", "terabytes"},
    {"PB", "petabyte", "petabytes"},
    {"KiB", "kibibyte", "kibibytes"},
    {"MiB", "mebibyte", "mebibytes"},
    {"GiB", "gibibyte", "gibibytes"},
    {"TiB", "tebibyte", "tebibytes"},
    {"kB/s", "kilobyte per second", "kilobytes per second"},
    {"KB/s", "kilobyte per second", "kilobytes per second"},
    {"MB/s", "megabyte per second", "megabytes per second"},
    {"GB/s", "gigabyte per second", "gigabytes per second"},
    {"kbps", "kilobit per second", "kilobits per second"},
    {"Kbps", "kilobit per second", "kilobits per second"},
    {"kbit/s", "kilobit per second", "kilobits per second"},
    {"Mbps", "megabit per second", "megabits per second"},
    {"Mbit/s", "megabit per second", "megabits per second"},
    {"Gbps", "gigabit per second", "gigabits per second"},
    {"dB", "decibel", "decibels"},
    {"dpi", "dot per inch", "dots per inch"},
    {"px", "pixel", "pixels"},
    {"fps", "frame per second", "frames per second"},
    {"rpm", "revolution per minute", "revolutions per minute"},
    {"RPM", "revolution per minute", "revolutions per minute"},
    {"bpm", "beat per minute", "beats per minute"},
    {"ppm", "part per million", "parts per million"},
    {"cal", "calorie", "calories"},
    {"kcal", "kilocalorie", "kilocalories"},
    {"J", "joule", "joules", Spacing::kAttached},
    {"kJ", "kilojoule", "kilojoules"},
    {"N", "newton", "newtons", Spacing::kAttached},
    {"Nm", "newton meter", "newton meters"},
    {"Pa", "pascal", "pascals"},
    {"hPa", "hectopascal", "hectopascals"},
    {"kPa", "kilopascal", "kilopascals"},
    {"MPa", "megapascal", "megapascals"},
    {"psi", "pound per square inch", "pounds per square inch"},
    {"hp", "horsepower", "horsepower"},
    {"ha", "hectare", "hectares"},
    {"USD", "U S dollar", "U S dollars"},
    {"EUR", "euro", "euros"},
    {"GBP", "pound", "pounds"},
    {"\u20AC", "euro", "euros"},
    {"\u00A3", "pound", "pounds"},
    {"\u00A5", "yen", "yen"},
    {"\u00B0C", "degree Celsius", "degrees Celsius"},
    {"\u00B0 C", "degree Celsius", "degrees Celsius"},
    {"\u00B0F", "degree Fahrenheit", "degrees Fahrenheit"},
    {"\u00B0 F", "degree Fahrenheit", "degrees Fahrenheit"},
    {"\u00B0", "degree", "degrees"},
    {"\u2103", "degree Celsius", "degrees Celsius"},
    {"\u2109", "degree Fahrenheit", "degrees Fahrenheit"},
    {"%", "percent", "percent"},
};

}  // namespace

std::optional<SpokenUnit> find_unit(std::string_view text, bool attached) {
  const Unit* best = nullptr;
  for (const Unit& unit : kUnits) {
    if (text.empty() || unit.symbol[0] != text[0] || !text.starts_with(unit.symbol)) continue;
    if (unit.spacing == Spacing::kAttached && !attached) continue;
    if (best != nullptr && best->symbol.size() >= unit.symbol.size()) continue;
    const Character next = character_at(text, unit.symbol.size());
    const bool ends = next.size == 0 || !is_word_character(next.code) || unit.symbol == "%";
    // "5 h'm", "3 m's" are no units.
    if (ends && next.code != '\'') best = &unit;
  }
  if (best == nullptr) return std::nullopt;
  return SpokenUnit{best->singular, best->plural, best->symbol.size()};
}

}  // namespace morgan::text
