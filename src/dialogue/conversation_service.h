// One turn without a live microphone: speech or text in, answer out, both kept. Every transport that
// is not real time uses it; it knows engines and stores by interface, no socket and no wire format.
#pragma once

#include "audio/pcm.h"
#include "base/metrics.h"
#include "base/result.h"
#include "base/stop.h"
#include "dialogue/user_memories.h"
#include "engines/llm/llm_engine.h"
#include "engines/stt/stt_engine.h"
#include "engines/tts/tts_engine.h"
#include "stores/conversation_store.h"
#include "tools/tool_agent.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace morgan::dialogue {

struct DialogueOptions {
  std::string system_prompt;
  int max_history_messages = 20;
  int max_tokens = 256;
  double temperature = 0.7;
  /// Called when a user's first message of a conversation is stored; must be quick. May be null.
  std::function<void(const std::string& user_id, const std::string& language)> on_conversation = nullptr;
};

/// Milliseconds from the start of the turn to the end of each stage; -1 where it did not happen.
struct TurnTimings {
  double transcript_ms = -1;
  double first_token_ms = -1;
  double first_audio_ms = -1;
  double text_done_ms = -1;
  double total_ms = -1;
};

struct TurnRequest {
  std::string user_id = "default";
  std::string text;                          ///< what was written; or
  std::optional<audio::PcmBuffer> speech;    ///< what was said, 16 kHz
  std::optional<engines::Transcript> heard;  ///< what was said, when it is transcribed already
  std::string language;                      ///< of the speech; "" detects
  bool speak = false;                        ///< synthesize the answer
  std::string voice = "default";
  double speed = 1.0;
};

/// What a caller may watch; all optional, all called on the calling thread except on_audio, which comes
/// from the speaking thread. A false answer cancels the turn.
struct TurnObserver {
  std::function<void(const engines::Transcript&)> on_transcript;
  std::function<bool(std::string_view)> on_text;
  std::function<bool(std::span<const float> samples, int rate_hz)> on_audio;
};

struct TurnResult {
  std::optional<engines::Transcript> transcript;
  std::string answer;
  audio::PcmBuffer audio;            ///< empty unless `speak`
  std::optional<Error> audio_error;  ///< speech failed, the text stands
  std::string voice;
  std::string model;
  std::string conversation_id;
  engines::ChatUsage usage;
  std::vector<std::string> tools;  ///< that were called
  TurnTimings timings;
  bool heard_nothing = false;  ///< speech without words: answer is empty, nothing stored
};

/// @thread any, concurrently; turns of one user run one after another
class ConversationService {
 public:
  /// Engines, stores and tools outlive the service. tts may be null: text only; memories and tools may be null: none.
  ConversationService(DialogueOptions options, engines::SttEngine* stt, engines::LlmEngine* llm,
                      engines::TtsEngine* tts, stores::ConversationStore* store, Metrics* metrics,
                      UserMemories* memories = nullptr, tools::ToolAgent* tools = nullptr);
  ~ConversationService();

  /// User message and answer are durable before this returns; the user's message is stored before the
  /// model starts, so a crash in between loses nothing said.
  /// @error as the engines' and the store's; kInvalidArgument for neither text nor speech
  Result<TurnResult> run(const TurnRequest& request, const TurnObserver& observer, const StopToken& stop);

  /// Puts the system prompt into the model's cache. Called once at start.
  Result<void> warm_up();

  stores::ConversationStore& store() { return *store_; }
  /// Null: there are none.
  UserMemories* memories() { return memories_; }

 private:
  struct State;
  DialogueOptions options_;
  engines::SttEngine* stt_;           // not owned; may be null: speech is refused
  engines::LlmEngine* llm_;           // not owned
  engines::TtsEngine* tts_;           // not owned; may be null
  stores::ConversationStore* store_;  // not owned
  Metrics* metrics_;                  // not owned
  UserMemories* memories_;            // not owned; may be null
  tools::ToolAgent* tools_;           // not owned; may be null
  std::unique_ptr<State> state_;
};

}  // namespace morgan::dialogue
