#include "fuzz_target.h"

#include <cstdio>
#include <cstdlib>

namespace morgan::fuzz {

namespace {

std::string_view shown;  // what run_shown() runs

}  // namespace

std::vector<Target>& targets() {
  static std::vector<Target> registered;
  return registered;
}

void run_shown(const Target& target, std::string_view bytes) {
  shown = bytes;
  target.run(bytes);
  shown = {};
}

void require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "this does not hold: %s\n", promise);
  for (const char c : shown)
    std::fprintf(stderr, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
  std::abort();
}

unsigned char take_byte(std::string_view& bytes) {
  if (bytes.empty()) return 0;
  const auto byte = static_cast<unsigned char>(bytes.front());
  bytes.remove_prefix(1);
  return byte;
}

}  // namespace morgan::fuzz
