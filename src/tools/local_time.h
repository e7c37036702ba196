// The clocks of places: where Morgan is, and elsewhere ("Tokyo", "Japan"). Zones and rules are the system's (tzdata).
#pragma once

#include "base/result.h"
#include "tools/tool.h"

#include <cctz/civil_time.h>
#include <cctz/time_zone.h>

#include <string>

namespace morgan::tools {

/// @param name  "Europe/Berlin"; "": the machine's own
/// @error kInvalidArgument
Result<cctz::time_zone> zone_named(const std::string& name);

/// The zone of a city or a country that has one zone only. @error kNotFound  the message can be spoken
Result<cctz::time_zone> zone_of_place(const std::string& place);

/// What clocks in `zone` show.
cctz::civil_second local_time(WallTime at, const cctz::time_zone& zone);

/// When they show it; a time that the change to summer time leaves out is the one after it.
WallTime wall_time(cctz::civil_second at, const cctz::time_zone& zone);

}  // namespace morgan::tools
