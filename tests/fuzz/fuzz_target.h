// A fuzz target: what is done with hostile bytes, and the inputs to begin with. Each x_fuzz.cpp registers one. The
// programs of the preset `fuzz` hold one each and are driven by libFuzzer (fuzz_main.cpp); fuzz_test holds all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace morgan::fuzz {

struct Target {
  std::string_view name;
  void (*run)(std::string_view bytes);  ///< ends the program when a promise is broken, see require()
  std::vector<std::string> (*seeds)();
};

/// Those of this program.
std::vector<Target>& targets();

struct Registered {
  explicit Registered(const Target& target) { targets().push_back(target); }
};

/// Runs `bytes`; when a promise is broken they are shown.
void run_shown(const Target& target, std::string_view bytes);

/// Ends the program, and says which promise was broken, when it does not hold.
void require(bool holds, const char* promise);

/// Takes a byte off the front: what a target lets the fuzzer choose beside its input. 0 when there is none.
unsigned char take_byte(std::string_view& bytes);

}  // namespace morgan::fuzz
