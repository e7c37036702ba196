// Runs a task of a pool: an exception that escapes it would end the process, here it ends the task.
#pragma once

#include <functional>

namespace morgan::runtime {

/// Runs `task` and destroys it, so that what it holds does not outlive it in an idle thread. What it throws is logged.
void guarded_call(std::function<void()> task);

}  // namespace morgan::runtime
