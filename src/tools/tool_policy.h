// Who may use which tool: a list of rules, the first that fits decides. Without one, tools that act on the world are
// asked for, all others run.
#pragma once

#include "tools/tool.h"

#include <string>
#include <string_view>
#include <vector>

namespace morgan::tools {

enum class Permission : std::uint8_t {
  kAllow,
  kAsk,   ///< the user must say yes, each time
  kDeny,  ///< it does not exist for this user
};
std::string_view to_string(Permission permission);

/// A value. @thread any, concurrently
class ToolPolicy {
 public:
  ToolPolicy() = default;
  /// @param rules  "USER:TOOL=allow, ..." with allow, ask or deny; USER and TOOL may be or end in '*':
  ///               "guest:home*=deny, *:home_lights=allow"
  /// @error kInvalidArgument  names the rule
  static Result<ToolPolicy> parse(std::string_view rules);

  Permission of(std::string_view user_id, const Tool& tool) const;

 private:
  struct Rule {
    std::string user;
    std::string tool;
    Permission permission = Permission::kAsk;
  };
  std::vector<Rule> rules_;
};

}  // namespace morgan::tools
