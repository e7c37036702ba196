// Units of measure as they are spoken, and what one is in another. The quantities are UDUNITS-2's.
#pragma once

#include "base/result.h"
#include "tools/spoken_words.h"

#include <optional>
#include <string>

namespace morgan::tools {

struct SpokenUnit {
  std::string name;  ///< "kilometer", "degree Celsius": for convert()
  std::size_t words = 0;
};

/// The unit that `words` begin with; only those that people say ("kilos", "degrees Fahrenheit", "square feet").
std::optional<SpokenUnit> unit_at(SpokenWords words);

/// Name of one ("mile") or several ("miles") of the unit.
std::string unit_words(const std::string& name, double amount);

/// @param from, to  as spoken ("kilos") or any name that UDUNITS knows ("furlong")
/// @error kInvalidArgument  an unknown unit, or units of different kinds; the message can be spoken
/// @thread any
Result<double> convert(double amount, const std::string& from, const std::string& to);

}  // namespace morgan::tools
