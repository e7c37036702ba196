// From the words of a frequent request to the call of a tool, without a model, always the same. What fits no rule is
// left to the model (model_choice.h).
#pragma once

#include "tools/request_rules.h"
#include "tools/tool.h"

#include <string_view>
#include <vector>

namespace morgan::tools {

/// @thread any, concurrently
class RequestRouter {
 public:
  RequestRouter();

  /// @param now  local time  @return the calls that it asks for: usually one, two for "do this and do that"; empty:
  /// none  @param steps  as PhrasePattern::match has it
  std::vector<ToolCall> route(std::string_view said, cctz::civil_second now, long long* steps = nullptr) const;

 private:
  std::optional<ToolCall> one(std::string_view said, SpokenWords words, cctz::civil_second now, long long* steps) const;

  Rules rules_;
};

/// "yes, please" and the like: the answer to a question of Morgan's. kNeither: it is something else.
enum class Consent : std::uint8_t { kNeither, kYes, kNo };
Consent consent_of(std::string_view said);

}  // namespace morgan::tools
