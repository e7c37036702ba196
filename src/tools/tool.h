// What the assistant can do beside talking: a tool is a name, a JSON Schema of its arguments and a function. Built-in
// tools and those of other programs (MCP) are the same to everything that chooses, checks and runs them.
#pragma once

#include "base/json_util.h"
#include "base/result.h"
#include "base/stop.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace morgan::tools {

using WallTime = std::chrono::system_clock::time_point;

/// What a call does. It decides what is asked before it runs (tool_policy.h).
enum class Effect : std::uint8_t {
  kReads,  ///< nothing
  kKeeps,  ///< changes what Morgan keeps for this user: timers, notes, lists
  kActs,   ///< changes the world: asked for confirmation, unless a rule allows it
};
std::string_view to_string(Effect effect);

struct ToolCall {
  std::string tool;
  Json arguments = Json::object();
  bool operator==(const ToolCall&) const = default;
};

/// Who calls, and when.
struct ToolContext {
  std::string user_id = "default";
  WallTime now;  ///< of the call
  StopToken stop;
};

struct ToolResult {
  /// A sentence or two to be said as they are; "": the language model puts `data` into words.
  std::string spoken;
  /// For programs and for the model.
  Json data = Json::object();
  /// Takes back what the call did: its turn was not over. Called at most once, and may block. Null: cannot be.
  std::function<void()> undo = nullptr;
};

/// Arguments have been checked against the schema. May block until Tool::timeout, and must return soon after
/// `context.stop` fires: nobody waits for it then, but it keeps its thread, and the process's end waits for it.
/// May throw; that is a kInternal of the call. @thread any, concurrently
using ToolFunction = std::function<Result<ToolResult>(const Json& arguments, const ToolContext& context)>;

struct Tool {
  /// Letters, digits, '_', '-'; behind a prefix and a '.' when it is not built in ("files.read"). At most 128 bytes.
  std::string name;
  /// For the model and for people: one sentence, what it does and when to use it.
  std::string description;
  /// JSON Schema (draft 7) of an object. `pattern` is not checked: other people's expressions may run for ever.
  Json parameters = Json::object();
  Effect effect = Effect::kActs;
  std::chrono::milliseconds timeout{10'000};
  /// Lower-case words or phrases of requests that may need it ("weather", "umbrella"): the model is asked for a call
  /// only when one is said. Empty: the longer words of name and description.
  std::vector<std::string> cues = {};
  /// Arguments as they are meant ("tomorrow at eight" is a date and a time), before they are checked; null: as they
  /// are.
  std::function<Json(Json arguments, const ToolContext& context)> settle = nullptr;
  /// What is asked before a call with these arguments runs ("turn on the kitchen light"); null: the description.
  std::function<std::string(const Json& arguments)> intent = nullptr;
  ToolFunction call = nullptr;
};

}  // namespace morgan::tools
