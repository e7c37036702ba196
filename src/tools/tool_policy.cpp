#include "tools/tool_policy.h"

#include "base/strings.h"

#include <utility>

namespace morgan::tools {

namespace {

bool fits(std::string_view pattern, std::string_view name) {
  if (!pattern.ends_with('*')) return pattern == name;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

}  // namespace

std::string_view to_string(Permission permission) {
  switch (permission) {
    case Permission::kAllow:
      return "allow";
    case Permission::kAsk:
      return "ask";
    case Permission::kDeny:
      return "deny";
  }
  return "deny";
}

Result<ToolPolicy> ToolPolicy::parse(std::string_view rules) {
  ToolPolicy policy;
  for (const std::string& part : split(rules, ',')) {
    const std::string_view rule = trim(part);
    if (rule.empty()) continue;
    const std::size_t equals = rule.rfind('=');
    const std::size_t colon = rule.rfind(':', equals);
    const std::string_view word = equals == std::string_view::npos ? "" : trim(rule.substr(equals + 1));
    Rule parsed;
    if (colon != std::string_view::npos && equals != std::string_view::npos) {
      parsed.user = trim(rule.substr(0, colon));
      parsed.tool = trim(rule.substr(colon + 1, equals - colon - 1));
    }
    bool known = false;
    for (const Permission permission : {Permission::kAllow, Permission::kAsk, Permission::kDeny}) {
      if (word != to_string(permission)) continue;
      parsed.permission = permission;
      known = true;
    }
    if (!known || parsed.user.empty() || parsed.tool.empty()) {
      return fail(ErrorCode::kInvalidArgument, "tools.rules: '" + std::string(rule) +
                                                   "' is no rule; write USER:TOOL=allow, ask or deny, for example "
                                                   "*:home*=ask");
    }
    policy.rules_.push_back(std::move(parsed));
  }
  return policy;
}

Permission ToolPolicy::of(std::string_view user_id, const Tool& tool) const {
  for (const Rule& rule : rules_) {
    if (fits(rule.user, user_id) && fits(rule.tool, tool.name)) return rule.permission;
  }
  return tool.effect == Effect::kActs ? Permission::kAsk : Permission::kAllow;
}

}  // namespace morgan::tools
