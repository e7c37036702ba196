#include "tools/tool_runner.h"

#include "base/log.h"
#include "base/strings.h"

#include <condition_variable>
#include <exception>
#include <optional>
#include <utility>

namespace morgan::tools {

namespace {

/// A stop token cannot wake a waiter, so a waiter looks at it this often.
constexpr std::chrono::milliseconds kStopCheck{20};

void bound(ToolResult& result) {
  cut_utf8(result.spoken, ToolRunner::kMostSpokenBytes);
  if (!is_valid_utf8(result.spoken)) result.spoken.clear();
  std::string text = dump_json(result.data);
  if (text.size() <= ToolRunner::kMostDataBytes) return;
  cut_utf8(text, ToolRunner::kMostDataBytes / 2);  // its quotes take room when they are escaped
  result.data = Json{{"truncated", true}, {"beginning", std::move(text)}};
}

Result<ToolResult> call_guarded(const Tool& tool, const Json& arguments, const ToolContext& context) {
  try {
    auto result = tool.call(arguments, context);
    if (result) bound(*result);
    return result;
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, "the tool '" + tool.name + "' failed: " + error.what());
  } catch (...) {
    return fail(ErrorCode::kInternal, "the tool '" + tool.name + "' failed");
  }
}

}  // namespace

/// Shared by the caller and the thread of the call: the one that leaves first leaves the other what it needs.
struct ToolRunner::Running {
  ToolPointer tool;
  Json arguments;
  ToolContext context;
  StopSource stop;
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point deadline;
  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::optional<Result<ToolResult>> result;
  bool abandoned = false;
};

ToolRunner::ToolRunner(const ToolRegistry& registry, ToolPolicy policy, Metrics& metrics,
                       std::function<WallTime()> clock)
    : registry_(registry),
      policy_(std::move(policy)),
      metrics_(metrics),
      clock_(std::move(clock)),
      pool_(runtime::BlockingPool::create(kMostCalls, 0)) {}

ToolRunner::~ToolRunner() = default;

std::vector<ToolPointer> ToolRunner::tools_for(const std::string& user_id) const {
  std::vector<ToolPointer> tools = registry_.list();
  std::erase_if(tools, [&](const ToolPointer& tool) { return policy_.of(user_id, tool->tool) == Permission::kDeny; });
  return tools;
}

Result<std::shared_ptr<ToolRunner::Running>> ToolRunner::start(const ToolCall& call, const std::string& user_id,
                                                               Confirmed confirmed) {
  MORGAN_TRY(const ToolPointer tool, registry_.find(call.tool));
  const Permission permission = policy_.of(user_id, tool->tool);
  if (permission == Permission::kDeny)
    return fail({ErrorCode::kNotFound, "there is no tool '" + call.tool + "' for this user", "", "name"});
  MORGAN_CHECK_OK(tool->check.check(call.arguments));
  if (permission == Permission::kAsk && confirmed == Confirmed::kNo) {
    return fail({ErrorCode::kConflict, "the tool '" + call.tool + "' must be confirmed by the user first",
                 "CONFIRMATION_REQUIRED", "confirm"});
  }
  auto running = std::make_shared<Running>();
  running->tool = tool;
  running->arguments = call.arguments;
  running->deadline = running->began + tool->tool.timeout;
  running->stop = StopSource(running->deadline);
  running->context = {user_id, clock_(), running->stop.token()};
  auto taken = pool_->run([running] {
    auto result = call_guarded(running->tool->tool, running->arguments, running->context);
    std::function<void()> undo;
    {
      const std::scoped_lock lock(running->mutex);
      if (running->abandoned && result) undo = std::move(result->undo);
      running->result = std::move(result);
      running->changed.notify_all();
    }
    if (undo) undo();  // its caller was told that it failed
  });
  if (!taken) return fail(ErrorCode::kOverloaded, "too many tools are running; try again later");
  return running;
}

Result<ToolResult> ToolRunner::wait(const std::shared_ptr<Running>& running, const StopToken& stop) {
  std::unique_lock lock(running->mutex);
  while (!running->result && !stop.stop_requested() && std::chrono::steady_clock::now() < running->deadline)
    running->changed.wait_for(lock, kStopCheck);
  if (running->result) return std::move(*running->result);
  running->abandoned = true;
  if (stop.stop_requested()) {
    running->stop.request_stop(stop.reason());
    return fail(stop.error());
  }
  const std::string& name = running->tool->tool.name;
  return fail(ErrorCode::kDeadlineExceeded, "the tool '" + name + "' did not answer within " +
                                                std::to_string(running->tool->tool.timeout.count()) + " ms");
}

Result<ToolResult> ToolRunner::run(const ToolCall& call, const std::string& user_id, Confirmed confirmed,
                                   const StopToken& stop) {
  return std::move(run_all(std::span(&call, 1), user_id, confirmed, stop).front());
}

std::vector<Result<ToolResult>> ToolRunner::run_all(std::span<const ToolCall> calls, const std::string& user_id,
                                                    Confirmed confirmed, const StopToken& stop) {
  std::vector<Result<std::shared_ptr<Running>>> started;
  for (const ToolCall& call : calls)
    started.push_back(start(call, user_id, confirmed));
  std::vector<Result<ToolResult>> results;
  for (auto& running : started) {
    if (!running) {
      results.push_back(fail(running.error()));
    } else {
      results.push_back(wait(*running, stop));
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - (*running)->began;
      metrics_.observe_seconds("morgan_tool_seconds", {}, took.count());
    }
    const Result<ToolResult>& result = results.back();
    metrics_.count("morgan_tool_calls_total",
                   {{"outcome", result ? "done" : std::string(to_string(result.error().code))}});
    if (!result && result.error().code == ErrorCode::kInternal)
      log::warn("tools", "a tool failed", {{"why", result.error().message}});
  }
  return results;
}

}  // namespace morgan::tools
