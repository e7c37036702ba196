// What every user of llama.cpp in this process shares: its backends are started once, its log lines
// go to Morgan's log at debug level, and the last error of a thread is kept, because llama.cpp says
// why a file does not load only there.
#pragma once

#include <string>

namespace morgan::engines {

/// Starts llama.cpp; cheap when it runs already. @thread any
void start_llama_runtime();

/// The last error llama.cpp logged on this thread, one line, "" when none; forgets it.
std::string take_llama_error();

}  // namespace morgan::engines
