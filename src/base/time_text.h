// Points in time as text.
#pragma once

#include <chrono>
#include <string>

namespace morgan {

inline constexpr int kMsPerSecond = 1000;

/// Now, ISO 8601 in UTC with milliseconds: "2026-01-31T08:05:09.042Z".
std::string now_iso8601();

/// The same of any point in time.
std::string iso8601(std::chrono::system_clock::time_point at);

}  // namespace morgan
