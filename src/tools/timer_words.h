// What is said when a timer or a reminder rings.
#pragma once

#include "tools/timer_service.h"

#include <cctz/time_zone.h>

#include <string>

namespace morgan::tools {

/// "Your pasta timer is done." Late, it says when it was due.
std::string ring_words(const Timer& timer, WallTime now, const cctz::time_zone& zone);

/// "call my mother" is "call your mother".
std::string to_second_person(const std::string& text);

}  // namespace morgan::tools
