// Words by which a request hints at a tool that names none itself.
#pragma once

#include "tools/tool.h"

#include <string>
#include <vector>

namespace morgan::tools {

/// The longer words of its name and description.
std::vector<std::string> derived_cues(const Tool& tool);

}  // namespace morgan::tools
