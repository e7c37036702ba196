// Finds a machine's facts out. Everything is optional: what does not answer is left empty, and the rules say what that
// means. Reads /proc, the container's memory limit and NVIDIA's libraries, which are opened only for the call.
#pragma once

#include "cli/doctor/facts.h"

namespace morgan::cli {

MachineFacts machine_facts();
/// NVIDIA's part of them alone: driver, CUDA versions, GPUs.
DriverFacts driver_facts();

}  // namespace morgan::cli
