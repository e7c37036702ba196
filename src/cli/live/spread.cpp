#include "cli/live/spread.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace morgan::cli {

double to_tenths(double value) {
  return std::round(value * 10) / 10;
}

Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto ranked = [&](double share) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
    return values[std::max<std::size_t>(rank, 1) - 1];
  };
  return {values.size(), ranked(0.5), ranked(0.95), values.back()};
}

OrderedJson to_json(const Spread& spread) {
  if (spread.count == 0) return nullptr;
  return {{"count", spread.count},
          {"p50", to_tenths(spread.p50)},
          {"p95", to_tenths(spread.p95)},
          {"max", to_tenths(spread.max)}};
}

std::string to_columns(const Spread& spread) {
  if (spread.count == 0) return fmt::format("{:>8} {:>8} {:>8}", "-", "-", "-");
  return fmt::format("{:8.0f} {:8.0f} {:8.0f}", spread.p50, spread.p95, spread.max);
}

std::string spread_heading() {
  return fmt::format("{:>8} {:>8} {:>8}", "p50", "p95", "max");
}

}  // namespace morgan::cli
