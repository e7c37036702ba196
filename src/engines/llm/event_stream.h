// The form in which llama.cpp streams an answer: events of one line.
#pragma once

#include <string_view>

namespace morgan::engines {

inline constexpr std::string_view kEventPrefix = "data: ";
inline constexpr std::string_view kEventEnd = "\n\n";

}  // namespace morgan::engines
