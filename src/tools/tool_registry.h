// Every tool that there is, by name. Tools may come and go while turns run: a call that has begun keeps its tool.
#pragma once

#include "tools/arguments_check.h"
#include "tools/tool.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::tools {

/// A tool with its compiled schema.
struct RegisteredTool {
  Tool tool;
  ArgumentsCheck check;
};

/// Shared by the registry and the calls that run.
using ToolPointer = std::shared_ptr<const RegisteredTool>;

/// @thread any
class ToolRegistry {
 public:
  /// Tools that there may be: each costs the model words to read.
  static constexpr std::size_t kMostTools = 512;

  /// @error kInvalidArgument  name, schema or function is not what Tool says   @error kConflict  the name is taken
  /// @error kOverloaded  too many tools
  Result<void> add(Tool tool);
  /// Replaces all tools whose names begin with `prefix` and a '.' by these, at once; each name gets the prefix.
  /// For a server that tells anew what it offers. @return why tools were left out, one line each
  std::vector<std::string> replace(const std::string& prefix, std::vector<Tool> tools);
  /// Takes away all tools behind `prefix` and a '.'. @return how many
  std::size_t remove(const std::string& prefix);

  /// @error kNotFound  names the nearest
  Result<ToolPointer> find(const std::string& name) const;
  /// By name.
  std::vector<ToolPointer> list() const;

 private:
  Result<void> add_locked(Tool tool);
  std::size_t remove_locked(const std::string& prefix);

  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, ToolPointer> tools_;
};

}  // namespace morgan::tools
