// What is said when a timer or a reminder rings.
#pragma once

#include "tools/timer_service.h"

#include <cctz/time_zone.h>

#include <string>

namespace morgan::tools {

/// "Your pasta timer is done." Late, it says when it was due.
std::string ring_words(const Timer& timer, WallTime now, const cctz::time_zone& zone);

}  // namespace morgan::tools
