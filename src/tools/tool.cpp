#include "tools/tool.h"

namespace morgan::tools {

std::string_view to_string(Effect effect) {
  switch (effect) {
    case Effect::kReads:
      return "reads";
    case Effect::kKeeps:
      return "keeps";
    case Effect::kActs:
      return "acts";
  }
  return "acts";
}

}  // namespace morgan::tools
