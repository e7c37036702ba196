// The clocks of places: where Morgan is, and elsewhere ("Tokyo", "Japan"), and when that is which was said of them.
// Zones and rules are the system's (tzdata).
#pragma once

#include "base/result.h"
#include "tools/time_phrases.h"
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

/// When that is which was said at `now`: "in two hours" is two hours later, whatever clocks are set to on the way.
WallTime time_of(const SpokenMoment& moment, WallTime now, const cctz::time_zone& zone);

/// "2026-03-12T08:00:00", local time; with its offset when clocks show that twice and it is the second time.
/// read_moment() reads it back.
std::string iso_time(WallTime at, const cctz::time_zone& zone);

}  // namespace morgan::tools
