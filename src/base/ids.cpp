#include "base/ids.h"

#include <sys/random.h>

#include <array>
#include <cstdlib>

namespace morgan {

std::string random_id(std::string_view prefix) {
  static constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz012345";  // 32: a byte maps without bias
  std::array<unsigned char, 24> noise{};
  // Up to 256 bytes the kernel gives all or nothing, and fails only before its generator is seeded.
  if (::getrandom(noise.data(), noise.size(), 0) != static_cast<ssize_t>(noise.size())) std::abort();
  std::string id(prefix);
  for (const unsigned char byte : noise)
    id += kAlphabet[byte % kAlphabet.size()];
  return id;
}

}  // namespace morgan
