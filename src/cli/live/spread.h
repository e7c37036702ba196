// Percentiles of measured values, and how they are shown. @thread any
#pragma once

#include "base/json_util.h"

#include <string>
#include <vector>

namespace morgan::cli {

/// By nearest rank: each is a value that was measured.
struct Spread {
  std::size_t count = 0;
  double p50 = 0;
  double p95 = 0;
  double max = 0;
};

Spread spread_of(std::vector<double> values);
/// {count, p50, p95, max}, rounded to tenths; null when there is none.
OrderedJson to_json(const Spread& spread);
/// "    312     540     601" under the heading of spread_heading().
std::string to_columns(const Spread& spread);
std::string spread_heading();

double to_tenths(double value);

}  // namespace morgan::cli
