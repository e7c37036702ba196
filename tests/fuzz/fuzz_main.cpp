// libFuzzer's way in. `x_fuzz --seeds FOLDER` writes the target's first inputs into FOLDER and ends.
#include "fuzz_target.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  const std::vector<std::string_view> arguments(*argv, *argv + *argc);
  if (arguments.size() != 3 || arguments[1] != "--seeds") return 0;
  int number = 0;
  for (const std::string& seed : morgan::fuzz::targets().front().seeds()) {
    const std::string path = std::string(arguments[2]) + "/seed-" + std::to_string(++number);
    std::ofstream file(path, std::ios::binary);
    file << seed;
    file.close();
    if (!file) std::exit(1);
  }
  std::exit(0);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  morgan::fuzz::targets().front().run({reinterpret_cast<const char*>(data), size});
  return 0;
}
