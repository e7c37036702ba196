// Runs calls of tools: permission, arguments, a thread, a time-out, a bound on what comes back. Whatever a tool does
// (never returns, throws, answers 10 MB), the caller gets a result or an error in time.
#pragma once

#include "base/metrics.h"
#include "runtime/blocking_pool.h"
#include "tools/tool_policy.h"
#include "tools/tool_registry.h"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace morgan::tools {

enum class Confirmed : std::uint8_t { kNo, kYes };

/// @thread any
class ToolRunner {
 public:
  /// Calls that may run at once, those that ignore their time-out among them.
  static constexpr std::size_t kMostCalls = 32;
  /// Of a result's data as JSON; more is cut to its beginning, as text.
  static constexpr std::size_t kMostDataBytes = 32'000;
  static constexpr std::size_t kMostSpokenBytes = 2'000;

  /// Registry and metrics outlive the runner. @param clock  the time that tools are told
  ToolRunner(const ToolRegistry& registry, ToolPolicy policy, Metrics& metrics, std::function<WallTime()> clock);
  /// Waits for calls that run.
  ~ToolRunner();

  /// @error kNotFound  unknown, or not for this user   @error kInvalidArgument  `param` names the argument
  /// @error kConflict, reason CONFIRMATION_REQUIRED  the user must confirm it first
  /// @error kDeadlineExceeded   @error kCancelled   @error kOverloaded  too many calls hang   @error the tool's
  Result<ToolResult> run(const ToolCall& call, const std::string& user_id, Confirmed confirmed, const StopToken& stop);
  /// All at once, each with its own time-out; results in the order of the calls.
  std::vector<Result<ToolResult>> run_all(std::span<const ToolCall> calls, const std::string& user_id,
                                          Confirmed confirmed, const StopToken& stop);

  const ToolRegistry& registry() const { return registry_; }
  /// The tools that this user may use, by name.
  std::vector<ToolPointer> tools_for(const std::string& user_id) const;
  Permission permission(const std::string& user_id, const Tool& tool) const { return policy_.of(user_id, tool); }
  WallTime now() const { return clock_(); }

 private:
  struct Running;
  Result<std::shared_ptr<Running>> start(const ToolCall& call, const std::string& user_id, Confirmed confirmed);
  Result<ToolResult> wait(const std::shared_ptr<Running>& running, const StopToken& stop);

  const ToolRegistry& registry_;
  const ToolPolicy policy_;
  Metrics& metrics_;
  const std::function<WallTime()> clock_;
  std::unique_ptr<runtime::BlockingPool> pool_;
};

}  // namespace morgan::tools
