// A turn's tools: first a plan, from the words alone and without effects, which may be made before the turn is
// certainly over; then, when it is, the calls, and what is said of them. It also asks for confirmation and understands
// the yes.
#pragma once

#include "engines/llm/llm_engine.h"
#include "tools/model_choice.h"
#include "tools/request_router.h"
#include "tools/tool_runner.h"

#include <cctz/time_zone.h>

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace morgan::tools {

struct ToolPlan {
  enum class Kind : std::uint8_t {
    kTalk,   ///< no tool: the turn goes on as if there were none
    kCalls,  ///< a rule knows what to call
    kMaybe,  ///< the model is to be asked
    kYes,    ///< to the question that Morgan asked
    kNo,
  };
  Kind kind = Kind::kTalk;
  std::vector<ToolCall> calls;          ///< of kCalls
  std::vector<ToolPointer> candidates;  ///< of kMaybe
};

/// What a turn says of its tools: `spoken`; or, when that is empty, what the model answers to the user's words with
/// `data` behind them; or, when both are empty, what it answers without tools.
struct ToolAnswer {
  std::string spoken;
  std::string data;
  std::vector<ToolCall> calls;  ///< that were made, or are asked for
  std::vector<std::function<void()>> undo;
};

/// What a request would do.
struct Rehearsal {
  ToolPlan::Kind kind = ToolPlan::Kind::kTalk;  ///< kMaybe: the model chose the calls, or none
  std::vector<ToolCall> calls;
};

/// @thread any, concurrently
class ToolAgent {
 public:
  /// How long a yes answers the question.
  static constexpr std::chrono::seconds kQuestionHolds{60};
  /// Users whose answer is waited for.
  static constexpr std::size_t kMostQuestions = 1'000;

  /// Runner and engine outlive the agent. @param llm  null: requests that no rule knows need no tool
  ToolAgent(ToolRunner& runner, engines::LlmEngine* llm, cctz::time_zone zone);

  /// Without a model, and with no effect.
  ToolPlan plan(const std::string& user_id, const std::string& said) const;
  /// The same at another time, the model asked: the calls that would be made. For `morgan tools plan`, and to measure.
  Result<Rehearsal> rehearse(const std::string& user_id, const std::string& said, WallTime at,
                             const StopToken& stop) const;

  /// Makes the calls. Blocks. Only for a turn that is certain: there are effects.
  /// @error kCancelled  `stop` fired; what a tool does wrong is in the answer, in words
  Result<ToolAnswer> carry_out(const ToolPlan& plan, const std::string& user_id, const std::string& said,
                               const StopToken& stop);
  /// A turn is certain that was no answer to Morgan's question: a yes to come means something else.
  void talked(const std::string& user_id);

  ToolRunner& runner() { return runner_; }

 private:
  struct Question {
    std::vector<ToolCall> calls;
    WallTime until;
  };

  std::vector<ToolCall> settled(std::vector<ToolCall> calls, const std::string& user_id, WallTime now) const;
  Result<std::vector<ToolCall>> asked_model(const ToolPlan& plan, const std::string& user_id, const std::string& said,
                                            WallTime now, const StopToken& stop) const;
  std::optional<ToolAnswer> asks_first(const std::vector<ToolCall>& calls, const std::string& user_id);
  ToolAnswer call(std::vector<ToolCall> calls, const std::string& user_id, Confirmed confirmed, const StopToken& stop);
  std::string words_of_error(const Error& error, const ToolCall& call) const;
  std::vector<ToolCall> take_question(const std::string& user_id);

  ToolRunner& runner_;
  const cctz::time_zone zone_;
  const RequestRouter router_;
  std::optional<ModelChoice> model_;  // none: no model

  mutable std::mutex mutex_;                   // guards what follows
  std::map<std::string, Question> questions_;  // by user
};

}  // namespace morgan::tools
