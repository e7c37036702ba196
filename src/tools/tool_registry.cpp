#include "tools/tool_registry.h"

#include "base/strings.h"
#include "tools/tool_cues.h"

#include <algorithm>
#include <utility>

namespace morgan::tools {

namespace {

constexpr std::size_t kMostNameBytes = 128;
constexpr std::size_t kMostDescriptionBytes = 2'000;

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

bool is_behind(const std::string& name, const std::string& prefix) {
  return name.size() > prefix.size() + 1 && name.starts_with(prefix) && name[prefix.size()] == '.';
}

Result<void> check_form(const Tool& tool) {
  const auto bad = [&](const std::string& why) {
    return fail({ErrorCode::kInvalidArgument, "the tool '" + tool.name + "' cannot be added: " + why, "", "name"});
  };
  if (tool.name.empty() || tool.name.size() > kMostNameBytes) return bad("a name has 1 to 128 bytes");
  if (!std::all_of(tool.name.begin(), tool.name.end(), is_name_byte))
    return bad("a name has letters, digits, '_', '-' and '.' only");
  if (!tool.call) return bad("it has no function");
  if (tool.timeout.count() <= 0) return bad("its time-out is not positive");
  return {};
}

}  // namespace

Result<void> ToolRegistry::add_locked(Tool tool) {
  MORGAN_CHECK_OK(check_form(tool));
  if (tools_.contains(tool.name)) return fail(ErrorCode::kConflict, "there is a tool '" + tool.name + "' already");
  if (tools_.size() >= kMostTools)
    return fail(ErrorCode::kOverloaded, "the tool '" + tool.name + "' cannot be added: there are 512 already");
  cut_utf8(tool.description, kMostDescriptionBytes);
  if (tool.cues.empty()) tool.cues = derived_cues(tool);
  auto check = ArgumentsCheck::compile(tool.parameters);
  if (!check) {
    return fail(ErrorCode::kInvalidArgument, "the tool '" + tool.name + "' cannot be added: " + check.error().message);
  }
  std::string name = tool.name;
  tools_.emplace(std::move(name), std::make_shared<RegisteredTool>(RegisteredTool{std::move(tool), std::move(*check)}));
  return {};
}

std::size_t ToolRegistry::remove_locked(const std::string& prefix) {
  return std::erase_if(tools_, [&](const auto& entry) { return is_behind(entry.first, prefix); });
}

Result<void> ToolRegistry::add(Tool tool) {
  const std::scoped_lock lock(mutex_);
  return add_locked(std::move(tool));
}

std::vector<std::string> ToolRegistry::replace(const std::string& prefix, std::vector<Tool> tools) {
  const std::scoped_lock lock(mutex_);
  remove_locked(prefix);
  std::vector<std::string> left_out;
  for (Tool& tool : tools) {
    tool.name = prefix + "." + tool.name;
    if (const Result<void> added = add_locked(std::move(tool)); !added) left_out.push_back(added.error().message);
  }
  return left_out;
}

std::size_t ToolRegistry::remove(const std::string& prefix) {
  const std::scoped_lock lock(mutex_);
  return remove_locked(prefix);
}

Result<ToolPointer> ToolRegistry::find(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  if (const auto found = tools_.find(name); found != tools_.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [other, tool] : tools_)
    known.push_back(other);
  return fail({ErrorCode::kNotFound, "there is no tool '" + name + "'" + did_you_mean(name, known), "", "name"});
}

std::vector<ToolPointer> ToolRegistry::list() const {
  const std::scoped_lock lock(mutex_);
  std::vector<ToolPointer> all;
  all.reserve(tools_.size());
  for (const auto& [name, tool] : tools_)
    all.push_back(tool);
  return all;
}

}  // namespace morgan::tools
