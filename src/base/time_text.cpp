#include "base/time_text.h"

#include <array>
#include <chrono>
#include <ctime>

namespace morgan {

std::string now_iso8601() {
  return iso8601(std::chrono::system_clock::now());
}

std::string iso8601(std::chrono::system_clock::time_point at) {
  const auto whole = std::chrono::floor<std::chrono::milliseconds>(at).time_since_epoch().count();
  const std::time_t seconds = static_cast<std::time_t>(whole / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> head{};
  const std::size_t size = std::strftime(head.data(), head.size(), "%Y-%m-%dT%H:%M:%S.", &utc);
  const std::string milliseconds = std::to_string(1000 + whole % 1000);
  return std::string(head.data(), size) + milliseconds.substr(1) + "Z";
}

}  // namespace morgan
