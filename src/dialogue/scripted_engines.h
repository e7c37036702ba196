// Engines for the dialogue's tests: small actors whose lines the test writes.
#pragma once

#include "engines/llm/llm_engine.h"
#include "engines/stt/stt_engine.h"
#include "engines/tts/tts_engine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace morgan::dialogue {

class ScriptedStt final : public engines::SttEngine {
 public:
  Result<engines::Transcript> transcribe(audio::PcmView, const engines::SttRequest& request,
                                         const StopToken&) override {
    EXPECT_EQ(request.priority, engines::SttPriority::kLive);
    asked_language = request.language;
    engines::Transcript transcript;
    transcript.text = heard;
    transcript.language = "en";
    return transcript;
  }
  Result<std::vector<engines::LanguageGuess>> detect_language(audio::PcmView, const StopToken&) override {
    return fail(ErrorCode::kUnsupported, "no");
  }
  engines::EngineInfo info() const override { return {}; }
  std::string heard = "What is the time?";
  std::string asked_language;
};

class ScriptedLlm final : public engines::LlmEngine {
 public:
  Result<engines::ChatReply> chat(const engines::ChatRequest& request,
                                  const std::function<bool(std::string_view)>& on_text,
                                  const StopToken& stop) override {
    const std::lock_guard lock(mutex);
    requests.push_back(request);
    if (refuse_history && request.messages.size() > 2) return fail(ErrorCode::kInvalidArgument, "context too long");
    if (before) before();
    engines::ChatReply reply;
    for (const auto& piece : pieces) {
      if (stop.stop_requested()) return fail(stop.error());
      reply.text += piece;
      if (streams && on_text && !on_text(piece)) return fail(ErrorCode::kCancelled, "cancelled");
    }
    if (error_at_end) return fail(*error_at_end);
    reply.finish_reason = "stop";
    reply.usage = {11, 7, 3};
    return reply;
  }
  Result<engines::WireReply> chat_completions(const std::string&, const std::function<bool(std::string_view)>&,
                                              const StopToken&) override {
    return fail(ErrorCode::kUnsupported, "no");
  }
  Result<void> prefill(const std::vector<engines::ChatMessage>& messages, const StopToken&) override {
    prefilled = messages;
    return {};
  }
  std::string model_name() const override { return "scripted"; }
  int context_tokens() const override { return 0; }
  engines::EngineInfo info() const override { return {}; }

  std::mutex mutex;
  std::vector<std::string> pieces{"It is ", "noon. ", "Time for ", "lunch!"};
  bool streams = true;
  bool refuse_history = false;
  std::optional<Error> error_at_end;
  std::function<void()> before;
  std::vector<engines::ChatRequest> requests;
  std::vector<engines::ChatMessage> prefilled;
};

/// Speaks one sample per character, whose value is the character's.
class ScriptedTts final : public engines::TtsEngine {
 public:
  std::vector<engines::Voice> voices() const override { return {{"joe", "en-US", "male", 22050, "", "piper"}}; }
  Result<engines::Voice> find_voice(const std::string& name) const override {
    if (name == "joe" || name == "default") return voices()[0];
    return fail({ErrorCode::kNotFound, "no voice '" + name + "'", "VOICE_NOT_FOUND", "voice"});
  }
  Result<void> synthesize(const engines::TtsRequest& request, const engines::TtsSink& sink,
                          const StopToken& stop) override {
    EXPECT_EQ(request.voice, "joe");
    pieces.push_back(request.text);
    if (before) before();
    if (stop.stop_requested()) return fail(stop.error());
    if (pieces.size() == fail_at) return fail(ErrorCode::kInternal, "the voice broke");
    std::vector<float> samples;
    for (const char letter : request.text)
      samples.push_back(static_cast<float>(letter) / 128);
    if (!sink(samples)) return fail(ErrorCode::kCancelled, "the sink refused");
    return {};
  }
  std::vector<engines::EngineInfo> info() const override { return {}; }
  std::vector<std::string> pieces;
  std::size_t fail_at = 0;
  std::function<void()> before;
};

inline std::string letters(std::span<const float> samples) {
  std::string text;
  for (const float sample : samples)
    text += static_cast<char>(std::lround(sample * 128));
  return text;
}

}  // namespace morgan::dialogue
