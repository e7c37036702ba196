// One answer being made: the language model writes, its text is cut into pieces, each is spoken as soon as it is
// complete. Runs on two threads of a BlockingPool and reports from them; can be cancelled at any time. It does not
// know whether what it makes will ever be heard.
#pragma once

#include "base/stop.h"
#include "dialogue/live/turn_machine.h"
#include "dialogue/user_memories.h"
#include "engines/llm/llm_engine.h"
#include "engines/tts/tts_engine.h"
#include "runtime/blocking_pool.h"
#include "runtime/strand.h"
#include "text/sentence_splitter.h"
#include "tools/tool_agent.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace morgan::dialogue::live {

struct ReplyJob {
  std::vector<engines::ChatMessage> prompt;
  std::string fixed_text;  ///< not empty: say this and ask no model
  /// Asked before the model, on the writing thread: what memory answers itself, or adds to the prompt. May be null.
  std::function<Result<Recollection>(const StopToken& stop)> recollect = {};
  /// What Morgan's own tools make of the turn, which must be certain by now; null: nothing. May block.
  std::function<Result<tools::ToolAnswer>(const StopToken& stop)> use_tools = nullptr;
  int max_tokens = 256;
  double temperature = 0.7;
  engines::Voice voice;
  double speed = 1;
  bool speak = true;        ///< false: only written
  std::string tools;        ///< as in engines::ChatRequest
  std::string tool_choice;  ///< likewise
};

struct ReplySummary {
  std::string text;  ///< all that was written
  engines::ChatUsage usage;
  std::vector<engines::ToolCall> tool_calls = {};
  bool cut = false;                         ///< there was no room for the rest: max_tokens
  std::string recalled = {};                ///< facts that memory added to the prompt
  std::vector<std::string> own_tools = {};  ///< of Morgan's tools, those that were called
};

/// Called from the threads of the run, each in order; must be quick. Nothing is called after on_done.
struct ReplySink {
  std::function<void(std::string delta)> on_text;
  std::function<void(std::string piece)> on_piece;  ///< before its audio
  std::function<void(std::vector<float> samples, std::vector<engines::SpokenWord> words)> on_audio;
  std::function<void(Result<ReplySummary> outcome)> on_done;  ///< exactly once
};

class ReplyRun : public std::enable_shared_from_this<ReplyRun> {
 public:
  /// Seconds of audio that may be made and not consumed.
  static constexpr int kMostAheadSeconds = 20;
  /// Pieces that may be written and not spoken.
  static constexpr std::size_t kMostPieces = 32;

  /// The engines outlive the run. @error kOverloaded  the pool has no room; the sink is not called
  static Result<std::shared_ptr<ReplyRun>> start(engines::LlmEngine& llm, engines::TtsEngine& tts,
                                                 runtime::BlockingPool& pool, ReplyJob job, ReplySink sink);
  ReplyRun(engines::LlmEngine& llm, engines::TtsEngine& tts, ReplyJob job, ReplySink sink);

  /// Stops both threads soon; on_done follows with kCancelled. @thread any
  void cancel();
  /// As cancel(), and takes back what its tools did: the turn went on. May block. @thread any that may
  void take_back();
  /// So many samples have left: room for more. @thread any
  void consumed(std::size_t samples);

 private:
  using Undo = std::vector<std::function<void()>>;

  void write();
  Recollection recollect();
  void write_by(engines::ChatRequest request, ReplySummary summary);
  void say(const std::string& text, ReplySummary summary);
  void keep_undo(Undo undo);
  void speak();
  void push_piece(std::string piece);
  void end_writing(Result<ReplySummary> outcome);
  bool speak_piece(const std::string& piece, bool follows, bool continues);
  bool wait_for_room();
  void finish_if_both_ended();

  engines::LlmEngine& llm_;
  engines::TtsEngine& tts_;
  const ReplyJob job_;
  const ReplySink sink_;
  StopSource stop_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::string> pieces_;
  std::size_t ahead_ = 0;  // samples made and not consumed
  bool written_ = false;   // no piece will follow
  bool spoken_ = false;    // the speaking thread has ended
  bool told_ = false;      // on_done was called
  bool taken_back_ = false;
  Undo undo_;
  std::optional<Result<ReplySummary>> outcome_;
  std::optional<Error> speech_error_;
};

}  // namespace morgan::dialogue::live
