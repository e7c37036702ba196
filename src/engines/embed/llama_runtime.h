// What every user of llama.cpp in this process shares: its backends are started once, its log lines
// go to Morgan's log at debug level, and the last error of a thread is kept, because llama.cpp says
// why a file does not load only there.
#pragma once

#include "base/result.h"

#include <string>

namespace morgan::engines {

/// Starts llama.cpp; cheap when it runs already. @thread any
void start_llama_runtime();

/// The GPU that ggml would compute on: "NVIDIA GeForce RTX 3060". Starts llama.cpp.
/// @error kUnavailable  this build has no GPU backend, or it sees no device; says which
Result<std::string> find_gpu();

/// The last error llama.cpp logged on this thread, one line, "" when none; forgets it.
std::string take_llama_error();

}  // namespace morgan::engines
