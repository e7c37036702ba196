// Running another program (pip, npm) without a shell.
#pragma once

#include "base/result.h"
#include "base/stop.h"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace morgan {

struct ProcessResult {
  int exit_code = 0;   ///< 128 + signal when it was killed
  std::string output;  ///< standard output and error, the last 64 kB
};

/// Runs `arguments[0]` (looked up in PATH) in `folder`, standard input empty. On stop the whole process
/// group gets SIGTERM, then SIGKILL after 2 s.
/// @error kNotFound  no such program   @error kCancelled
Result<ProcessResult> run_process(const std::vector<std::string>& arguments, const std::filesystem::path& folder,
                                  const StopToken& stop);

/// True when the program is found in PATH.
bool program_exists(std::string_view name);

}  // namespace morgan
