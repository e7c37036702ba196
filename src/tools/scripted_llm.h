// A language model for tests of tools: says what the test writes, and keeps what it was asked. Test code.
#pragma once

#include "engines/llm/llm_engine.h"

#include <optional>
#include <string>
#include <vector>

namespace morgan::tools {

class ScriptedChoice final : public engines::LlmEngine {
 public:
  Result<engines::ChatReply> chat(const engines::ChatRequest& request, const std::function<bool(std::string_view)>&,
                                  const StopToken&) override {
    requests.push_back(request);
    if (error) return fail(*error);
    engines::ChatReply reply;
    reply.text = answer;
    return reply;
  }
  Result<engines::WireReply> chat_completions(const std::string&, const std::function<bool(std::string_view)>&,
                                              const StopToken&) override {
    return fail(ErrorCode::kUnsupported, "no");
  }
  Result<void> prefill(const std::vector<engines::ChatMessage>&, const StopToken&) override { return {}; }
  std::string model_name() const override { return "scripted"; }
  int context_tokens() const override { return 0; }
  engines::EngineInfo info() const override { return {}; }

  std::string answer = R"({"call":"none"})";
  std::optional<Error> error;
  std::vector<engines::ChatRequest> requests;
};

}  // namespace morgan::tools
