// Units of measure as they are written after a number. Private to text/.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace morgan::text {

struct SpokenUnit {
  std::string_view singular;
  std::string_view plural;
  std::size_t size = 0;  ///< bytes of the symbol
};

/// The unit whose symbol starts `text` and ends there as a word. `attached`: no blank before it, which
/// allows symbols that are words or names of their own ("5V", but "5 V").
std::optional<SpokenUnit> find_unit(std::string_view text, bool attached);

}  // namespace morgan::text
