// What a live conversation is made of and what it tells its client; shared by the session, the service and the
// transports.
#pragma once

#include "base/error.h"
#include "base/json_util.h"
#include "base/metrics.h"
#include "dialogue/conversation_service.h"
#include "dialogue/live/endpoint_policy.h"
#include "dialogue/live/output_pacer.h"
#include "dialogue/live/reply_run.h"
#include "dialogue/live/turn_machine.h"
#include "dialogue/live/turn_recorder.h"
#include "dialogue/live/turn_trace.h"
#include "engines/stt/streaming_transcriber.h"
#include "engines/turn/turn_engine.h"
#include "engines/vad/vad_engine.h"
#include "runtime/blocking_pool.h"
#include "runtime/strand.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace morgan::dialogue::live {

/// Who finds the end of a turn.
enum class TurnMode : std::uint8_t {
  kAuto,   ///< Morgan
  kPress,  ///< the client says so
};

/// How answers are made. What is not set is the server's own.
struct ReplyStyle {
  bool speak = true;   ///< false: only written
  int max_tokens = 0;  ///< 0: not set
  std::optional<double> temperature;
  std::string tools;  ///< functions that the client carries out, as in engines::ChatRequest
  std::string tool_choice;
};

struct LiveConfig {
  std::string user_id = "default";
  std::string language;  ///< ISO 639-1, "": detected
  engines::Voice voice;
  double speed = 1;
  TurnMode mode = TurnMode::kAuto;
  bool barge_in = true;
  bool answer_turns = true;  ///< false: the client asks for each answer
  bool asides = true;        ///< false: no apologies, fillers, idle prompts and announcements
  ReplyStyle reply;
  std::optional<EndpointLimits> endpoint;  ///< nullopt: the server's
  Ms idle_after = 0;                       ///< nobody spoke so long: LiveOutput::on_idle; 0: the server's, as an aside
};

/// An answer that the client asks for: to all that is remembered, unless it has a prompt of its own.
struct LiveAsk {
  ReplyStyle reply;
  engines::Voice voice;
  double speed = 1;
  /// Called when the answer begins, with what was said that is not remembered yet, or ""; null: the memory's.
  std::function<std::vector<engines::ChatMessage>(const std::string& user_text)> prompt;
};

/// What is said outside a conversation, as soon as nobody speaks: a timer rings.
struct Announcement {
  std::string id;  ///< what rings, never "": said once, however often it is announced while it waits
  std::string words;
  /// Asked before it is said, and must be quick; false: it is over. Null: it stays wanted. @thread any
  std::function<bool()> wanted = nullptr;
  /// It sounds. Called once or never. @thread any
  std::function<void()> heard = nullptr;
};

struct LiveOptions {
  TurnLimits limits;
  EndpointLimits endpoint;
  PacerOptions pacer;
  std::chrono::milliseconds partial_every{400};
  std::string apology = "Sorry, something went wrong. Please say that again.";
  std::string filler = "One moment.";
  std::string idle_prompt = "Are you still there?";
  std::filesystem::path recordings;  ///< folder for the audio of turns; "": none is kept
};

/// What all conversations of a process share. Everything outlives them.
struct LiveParts {
  engines::VadEngine* vad = nullptr;
  engines::TurnEngine* turn = nullptr;  ///< may be null: waits depend on the words alone
  engines::SttEngine* stt = nullptr;
  engines::LlmEngine* llm = nullptr;
  engines::TtsEngine* tts = nullptr;
  stores::ConversationStore* store = nullptr;
  UserMemories* memories = nullptr;  ///< may be null: none
  runtime::BlockingPool* pool = nullptr;
  Metrics* metrics = nullptr;
  TurnLog* log = nullptr;
  TurnRecorder* recorder = nullptr;   ///< may be null: turns are not kept
  tools::ToolAgent* tools = nullptr;  ///< may be null: none
  LiveOptions options;
  DialogueOptions dialogue;
};

struct AudioOut {
  std::int64_t response = 0;
  int rate_hz = 0;
  OutputChunk chunk;
};

/// A turn that was spoken. Samples count from the first of the microphone's, at 16 kHz.
struct SpokenTurn {
  std::size_t end_sample = 0;                  ///< behind the last voiced one
  std::span<const float> audio;                ///< valid during the call
  const engines::Hypothesis* heard = nullptr;  ///< null: nothing, or it failed
  const Error* error = nullptr;                ///< why it could not be transcribed
};

/// How an answer was made, as far as it was.
struct ReplyFacts {
  const ReplySummary* summary = nullptr;  ///< null: not all of it was written
  const Error* error = nullptr;           ///< why it failed, when an engine did
};

/// The client's side of a conversation. Every call comes on the conversation's strand.
class LiveOutput {
 public:
  virtual ~LiveOutput() = default;
  virtual void on_phase(Phase phase) = 0;
  /// @param stable_bytes  of text: what will not change
  virtual void on_transcription(std::int64_t turn, const engines::Hypothesis& hypothesis, bool is_final) = 0;
  /// @param aside  outside the conversation: an apology, an idle prompt
  virtual void on_response_start(std::int64_t response, std::int64_t turn, int rate_hz, bool aside) = 0;
  virtual void on_response_text(std::int64_t response, const std::string& text, const std::string& delta,
                                bool is_final) = 0;
  virtual void on_audio(const AudioOut& audio) = 0;
  /// Something short is said while the answer is being made: its audio comes before the answer's own, in the same
  /// count of samples, and is not part of its text.
  virtual void on_filler(std::int64_t response, const std::string& text) = 0;
  virtual void on_duck(std::int64_t response, float gain) = 0;
  virtual void on_hold(std::int64_t response, std::size_t sample) = 0;
  virtual void on_resume(std::int64_t response, std::size_t sample) = 0;
  /// Exactly once for each on_response_start. @param heard  what of the answer was heard
  virtual void on_response_end(std::int64_t response, ReplyEnd end, const std::string& heard) = 0;
  virtual void on_turn(const OrderedJson& turn) = 0;
  virtual void on_error(const Error& error) = 0;
  /// The last call. All that was said has been stored.
  virtual void on_closed() = 0;

  // For clients that keep the conversation themselves.

  /// They have begun to speak, with this sample of the microphone. Whatever it interrupts ends behind this.
  virtual void on_speech(std::size_t sample) { static_cast<void>(sample); }
  /// What began with on_speech is over. With words it is a turn, whose on_transcription follows.
  virtual void on_spoken(const SpokenTurn& turn) { static_cast<void>(turn); }
  /// Before each on_response_end.
  virtual void on_response_facts(std::int64_t response, const ReplyFacts& facts) {
    static_cast<void>(response);
    static_cast<void>(facts);
  }
  /// An answer failed; its on_response_end follows, if it was announced.
  virtual void on_reply_error(const Error& error) { on_error(error); }
  virtual void on_idle() {}
};

}  // namespace morgan::dialogue::live
