// The tool for a request that no rule knows, picked by the language model. A small model calls right because it has
// little to do wrong: it is asked only when a word of the request hints at a tool, may answer with those tools alone
// (its grammar is made of their schemas), and what it answers is checked against what was said.
#pragma once

#include "engines/llm/llm_engine.h"
#include "tools/tool_runner.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::tools {

/// The tools that a word of the request hints at. Cheap: no model.
std::vector<ToolPointer> hinted_tools(std::string_view said, const std::vector<ToolPointer>& tools);

/// What in the arguments was not said: texts without a word of the request, numbers when it has none. Optional ones are
/// taken out.
/// @return false: a required one is made up
bool keep_what_was_said(std::string_view said, const Json& schema, Json& arguments);

/// @thread any
class ModelChoice {
 public:
  /// Tools that the model is told of; more, and their prompt costs seconds.
  static constexpr std::size_t kMostTools = 40;

  /// Both outlive the choice.
  ModelChoice(const ToolRunner& runner, engines::LlmEngine& llm) : runner_(runner), llm_(llm) {}

  /// @param candidates  of hinted_tools   @return nullopt: none of them
  /// @error the engine's
  Result<std::optional<ToolCall>> choose(const std::string& user_id, const std::string& said,
                                         const std::vector<ToolPointer>& candidates, const StopToken& stop) const;

 private:
  std::vector<engines::ChatMessage> prompt(const std::string& user_id) const;

  const ToolRunner& runner_;
  engines::LlmEngine& llm_;
};

}  // namespace morgan::tools
