// Values as they lie in memory, for files that are written little-endian on a little-endian machine.
#pragma once

#include <cstring>
#include <string>

namespace morgan::models {

template <typename T>
void append(std::string& out, T value) {
  const std::size_t end = out.size();
  out.resize(end + sizeof value);
  std::memcpy(out.data() + end, &value, sizeof value);
}

}  // namespace morgan::models
