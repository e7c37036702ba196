// Which Morgan this is, and on which libraries it was built.
#pragma once

#include "base/json_util.h"

#include <string_view>

namespace morgan::app {

std::string_view version();
/// Abbreviated commit of the build, or "unknown".
std::string_view commit();
/// Library to version, for /version, `morgan --version` and doctor.
OrderedJson library_versions();

}  // namespace morgan::app
