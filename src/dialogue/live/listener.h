// The listening half of a conversation: keeps what was said, has it transcribed while it is said and when it may
// have ended, and asks the turn model. All of its work happens on a BlockingPool, one transcription at a time.
#pragma once

#include "base/stop.h"
#include "dialogue/live/turn_machine.h"
#include "engines/stt/streaming_transcriber.h"
#include "engines/turn/turn_engine.h"
#include "runtime/blocking_pool.h"
#include "runtime/strand.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace morgan::dialogue::live {

struct ListenerEvents {
  std::function<void(const engines::Hypothesis&)> on_partial;
  std::function<void(Generation, Result<engines::Hypothesis>)> on_draft;
  std::function<void(Generation, float probability)> on_turn;
};

/// @thread the strand's; events come on it too, and not after destruction
class Listener : public std::enable_shared_from_this<Listener> {
 public:
  /// The engines and the pool outlive the listener. `turn` may be null.
  Listener(std::shared_ptr<runtime::Strand> strand, runtime::BlockingPool& pool, engines::SttEngine& stt,
           engines::TurnEngine* turn, ListenerEvents events);
  ~Listener();

  void set_language(std::string language) { options_.language = std::move(language); }
  /// What they most likely speak. Counts from the next utterance on.
  void set_likely_language(std::string language) { options_.likely_language = std::move(language); }
  /// Every sample of the microphone, in order, 16 kHz.
  void push(std::span<const float> samples);
  /// A new utterance, from sample `at` of the microphone and a little before it.
  void begin(std::size_t at);
  bool active() const { return transcriber_ != nullptr; }
  /// Forgets the utterance.
  void drop();

  /// A partial transcript, unless something is being transcribed.
  void partial();
  /// All of the utterance, soon: what runs is interrupted. Answers on_draft.
  void draft(Generation generation, engines::DecodeKind kind);
  /// Its answer is not wanted any more.
  void forget_draft() { wanted_.reset(); }
  /// Whether they have finished. Answers on_turn, unless it is being asked.
  void ask_turn(Generation generation);

  /// The utterance so far.
  std::span<const float> utterance() const { return utterance_; }
  bool busy() const { return running_ != nullptr; }

 private:
  struct Wanted {
    Generation generation = 0;
    engines::DecodeKind kind = engines::DecodeKind::kPause;
  };
  void run(const Wanted& wanted);
  void decoded(const Wanted& wanted, const void* of, Result<engines::Hypothesis> hypothesis);

  std::shared_ptr<runtime::Strand> strand_;  // shared with what runs
  runtime::BlockingPool& pool_;
  engines::SttEngine& stt_;
  engines::TurnEngine* turn_;
  const ListenerEvents events_;
  engines::StreamingOptions options_;

  std::vector<float> before_;  // the last moments while there is no utterance
  std::size_t heard_ = 0;      // samples of the microphone
  std::vector<float> utterance_;
  std::shared_ptr<engines::StreamingTranscriber> transcriber_;  // shared with what runs; null: no utterance
  std::shared_ptr<StopSource> running_;                         // shared with what runs; null: nothing does
  std::optional<Wanted> wanted_;
  bool turn_asked_ = false;
};

}  // namespace morgan::dialogue::live
