// What `describe` is answered with: the programs, models and voices that are here.
#pragma once

#include "base/json_util.h"
#include "services/wyoming/wyoming_parts.h"

#include <string_view>

namespace morgan::services {

/// Names for select-program. All but the detector of voices are one program; the protocol has no list for it.
inline constexpr std::string_view kWyomingProgram = "morgan";
inline constexpr std::string_view kWyomingVad = "vad";

/// Data of the `info` event. May block, when voices have to be asked for elsewhere.
Json wyoming_info(const WyomingParts& parts);

}  // namespace morgan::services
