#include "tools/units.h"

#include "base/strings.h"

#include <udunits2.h>

#include <array>
#include <cmath>
#include <memory>
#include <mutex>

namespace morgan::tools {

namespace {

struct UnitName {
  const char* singular;
  const char* plural;
  const char* quantity;  ///< for UDUNITS
  const char* spoken;    ///< further names, with '|' between
};

constexpr std::array kUnits{
    UnitName{"meter", "meters", "meter", "metre|metres|m"},
    UnitName{"kilometer", "kilometers", "kilometer", "kilometre|kilometres|km|kms"},
    UnitName{"centimeter", "centimeters", "centimeter", "centimetre|centimetres|cm"},
    UnitName{"millimeter", "millimeters", "millimeter", "millimetre|millimetres|mm"},
    UnitName{"mile", "miles", "mile", "mi"},
    UnitName{"nautical mile", "nautical miles", "nautical_mile", ""},
    UnitName{"yard", "yards", "yard", "yd"},
    UnitName{"foot", "feet", "foot", "ft"},
    UnitName{"inch", "inches", "inch", ""},
    UnitName{"gram", "grams", "gram", "gramme|grammes|g"},
    UnitName{"kilogram", "kilograms", "kilogram", "kilo|kilos|kg|kgs"},
    UnitName{"milligram", "milligrams", "milligram", "mg"},
    UnitName{"tonne", "tonnes", "1000 kilogram", "metric ton|metric tons"},
    UnitName{"ton", "tons", "2000 pound", "short ton|short tons"},
    UnitName{"pound", "pounds", "pound", "lb|lbs"},
    UnitName{"ounce", "ounces", "avoirdupois_ounce", "oz"},
    UnitName{"stone", "stone", "14 pound", ""},
    UnitName{"liter", "liters", "liter", "litre|litres|l"},
    UnitName{"milliliter", "milliliters", "milliliter", "millilitre|millilitres|ml"},
    UnitName{"centiliter", "centiliters", "centiliter", "centilitre|centilitres|cl"},
    UnitName{"gallon", "gallons", "US_liquid_gallon", ""},
    UnitName{"quart", "quarts", "US_liquid_quart", ""},
    UnitName{"pint", "pints", "US_liquid_pint", ""},
    UnitName{"cup", "cups", "US_liquid_cup", ""},
    UnitName{"fluid ounce", "fluid ounces", "US_fluid_ounce", "fl oz"},
    UnitName{"tablespoon", "tablespoons", "tablespoon", "tbsp"},
    UnitName{"teaspoon", "teaspoons", "teaspoon", "tsp"},
    UnitName{"degree Celsius", "degrees Celsius", "celsius",
             "celsius|degree c|degrees c|c|centigrade|degrees centigrade|\u00b0c"},
    UnitName{"degree Fahrenheit", "degrees Fahrenheit", "fahrenheit", "fahrenheit|degree f|degrees f|f|\u00b0f"},
    UnitName{"kelvin", "kelvin", "kelvin", "degrees kelvin|kelvins"},
    UnitName{"mile per hour", "miles per hour", "mile/hour", "mph"},
    UnitName{"kilometer per hour", "kilometers per hour", "kilometer/hour",
             "kilometre per hour|kilometres per hour|km/h|kmh|kph"},
    UnitName{"meter per second", "meters per second", "meter/second", "metre per second|metres per second|m/s"},
    UnitName{"knot", "knots", "knot", ""},
    UnitName{"second", "seconds", "second", ""},
    UnitName{"minute", "minutes", "minute", ""},
    UnitName{"hour", "hours", "hour", ""},
    UnitName{"day", "days", "day", ""},
    UnitName{"week", "weeks", "week", ""},
    UnitName{"year", "years", "365 day", ""},
    UnitName{"square meter", "square meters", "meter2", "square metre|square metres"},
    UnitName{"square kilometer", "square kilometers", "kilometer2", "square kilometre|square kilometres"},
    UnitName{"square foot", "square feet", "foot2", ""},
    UnitName{"square mile", "square miles", "mile2", ""},
    UnitName{"acre", "acres", "acre", ""},
    UnitName{"hectare", "hectares", "hectare", ""},
    UnitName{"cubic meter", "cubic meters", "meter3", "cubic metre|cubic metres"},
    UnitName{"joule", "joules", "joule", ""},
    UnitName{"calorie", "calories", "IT_calorie", ""},
    UnitName{"kilocalorie", "kilocalories", "1000 IT_calorie", "kcal"},
    UnitName{"kilowatt hour", "kilowatt hours", "kilowatt hour", "kwh"},
    UnitName{"watt", "watts", "watt", ""},
    UnitName{"kilowatt", "kilowatts", "kilowatt", "kw"},
    UnitName{"horsepower", "horsepower", "horsepower", "hp"},
    UnitName{"bar", "bars", "bar", ""},
    UnitName{"pascal", "pascals", "pascal", ""},
    UnitName{"psi", "psi", "psi", "pounds per square inch"},
    UnitName{"byte", "bytes", "1", ""},
    UnitName{"kilobyte", "kilobytes", "1000", "kb"},
    UnitName{"megabyte", "megabytes", "1e6", "mb"},
    UnitName{"gigabyte", "gigabytes", "1e9", "gb"},
    UnitName{"terabyte", "terabytes", "1e12", "tb"},
};

bool is_called(const UnitName& unit, std::string_view spoken) {
  if (equals_ignore_case(spoken, unit.singular) || equals_ignore_case(spoken, unit.plural)) return true;
  for (const std::string& name : split(unit.spoken, '|')) {
    if (!name.empty() && equals_ignore_case(spoken, name)) return true;
  }
  return false;
}

const UnitName* find_unit(std::string_view spoken) {
  for (const UnitName& unit : kUnits) {
    if (is_called(unit, spoken)) return &unit;
  }
  return nullptr;
}

struct FreeSystem {
  void operator()(ut_system* system) const { ut_free_system(system); }
};
struct FreeUnit {
  void operator()(ut_unit* unit) const { ut_free(unit); }
};
struct FreeConverter {
  void operator()(cv_converter* converter) const { cv_free(converter); }
};
using UnitPointer = std::unique_ptr<ut_unit, FreeUnit>;

/// UDUNITS keeps its state in globals. Guards system().
std::mutex& lock() {
  static std::mutex mutex;
  return mutex;
}

/// Null: its database is not there. It is read when it is needed first.
ut_system* system() {
  static const std::unique_ptr<ut_system, FreeSystem> kSystem = [] {
    ut_set_error_message_handler(ut_ignore);
    return std::unique_ptr<ut_system, FreeSystem>(ut_read_xml(nullptr));
  }();
  return kSystem.get();
}

}  // namespace

std::optional<SpokenUnit> unit_at(SpokenWords words) {
  constexpr std::size_t kMostWords = 4;
  for (std::size_t count = std::min(kMostWords, words.size()); count > 0; --count) {
    std::string spoken;
    for (const SpokenWord& word : words.first(count))
      spoken += (spoken.empty() ? "" : " ") + word.text;
    if (const UnitName* unit = find_unit(spoken)) return SpokenUnit{unit->singular, count};
  }
  return std::nullopt;
}

std::string unit_words(const std::string& name, double amount) {
  const UnitName* unit = find_unit(name);
  if (unit == nullptr) return name;
  return amount == 1 || amount == -1 ? unit->singular : unit->plural;
}

Result<double> convert(double amount, const std::string& from, const std::string& to) {
  const auto quantity = [](const std::string& name) {
    const UnitName* unit = find_unit(trim(name));
    return unit != nullptr ? std::string(unit->quantity) : std::string(trim(name));
  };
  const std::scoped_lock guard(lock());
  ut_system* const all = system();
  if (all == nullptr) return fail(ErrorCode::kUnavailable, "the units' database is missing; install libudunits2-data");
  const UnitPointer source(ut_parse(all, quantity(from).c_str(), UT_UTF8));
  const UnitPointer target(ut_parse(all, quantity(to).c_str(), UT_UTF8));
  if (!source) return fail({ErrorCode::kInvalidArgument, "I do not know the unit " + from + ".", "", "from"});
  if (!target) return fail({ErrorCode::kInvalidArgument, "I do not know the unit " + to + ".", "", "to"});
  const std::unique_ptr<cv_converter, FreeConverter> converter(ut_get_converter(source.get(), target.get()));
  if (!converter) {
    return fail({ErrorCode::kInvalidArgument,
                 unit_words(from, 2) + " cannot be converted to " + unit_words(to, 2) + ".", "", "to"});
  }
  const double result = cv_convert_double(converter.get(), amount);
  if (!std::isfinite(result)) return fail({ErrorCode::kInvalidArgument, "That has no result.", "", "amount"});
  return result;
}

}  // namespace morgan::tools
