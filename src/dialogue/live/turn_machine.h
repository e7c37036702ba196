// Who has the floor: the explicit state machine of one live conversation. It is told what happened and when, and
// says what to do; it has no thread, no clock, no engine and no socket, so every interleaving can be explored
// (turn_machine_explore_test.cpp) and a million random ones run in seconds.
//
//             speech            pause                    wait over              first audio
//   listening ------> hearing ------> paused (a draft is ------> thinking ------------> speaking --> listening
//                        ^  speech       | made behind a           |   speech re-opens     |  ^
//                        +---------------+ closed gate)            +---> hearing   maybe   v  | it was nothing
//                        +---- it was an interruption ------ held <----- speech ---------- ducked
//
// A draft is the answer to what may be the end of a turn: transcript, text and voice are made as if it were, and
// nothing of it leaves or is stored before the commit. Generations count drafts and answers; what belongs to an
// older one is ignored.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace morgan::dialogue::live {

/// Milliseconds on one monotonic clock; its zero does not matter.
using Ms = std::int64_t;
/// From 1; 0 names none.
using Generation = std::int64_t;

enum class Phase : std::uint8_t { kListening, kHearing, kPaused, kThinking, kSpeaking, kDucked, kHeld, kClosed };
std::string_view to_string(Phase phase);

/// How an answer ended; each that was committed ends exactly once.
enum class ReplyEnd : std::uint8_t { kCompleted, kInterrupted, kCancelled, kReopened, kFailed };
std::string_view to_string(ReplyEnd end);

/// What somebody's voice during an answer turned out to be.
enum class Overlap : std::uint8_t {
  kNothing,       ///< noise, a cough
  kBackchannel,   ///< "mhm": go on
  kEcho,          ///< Morgan's own words
  kInterruption,  ///< they want the floor
};

struct TurnLimits {
  Ms longest_wait = 1'400;         ///< after the last voiced sample, until the turn model has said something
  Ms longest_turn = 90'000;        ///< of speech without an end; then it is answered
  Ms stalled_audio = 1'500;        ///< no frames while they speak: the microphone has gone
  Ms speech_doubt = 200;           ///< a sound at the end of a pause: so long it may be the speaker who goes on ...
  Ms most_doubt = 400;             ///< ... and all such sounds together delay the end of a turn by no more
  Ms transcript_deadline = 8'000;  ///< from the wait's end
  Ms first_audio_deadline = 30'000;
  Ms playback_deadline = 15'000;  ///< without progress of the playback
  Ms duck_doubt = 160;            ///< ducked so long without further speech: it was nothing
  Ms hold_after = 96;             ///< overlapping speech so long: stop sending
  Ms judge_after = 700;           ///< ... so long: ask what it is, though they still speak
  Ms held_deadline = 4'000;       ///< held without a verdict: they are speaking, or it was nothing
  Ms filler_after = 0;            ///< a committed answer without audio so long: say something short; 0: never
  Ms idle_prompt_after = 0;       ///< nobody spoke so long after an answer; 0: never
  Ms drain_deadline = 8'000;      ///< an answer may go on so long after shutdown began
  bool answer_turns = true;       ///< false: a turn that is over waits until an answer is asked for
};

struct Event {
  enum class Kind : std::uint8_t {
    kFrame,        ///< a frame came, whatever was in it
    kMaybeSpeech,  ///< a first voiced frame; in a pause, any sound
    kSpeech,       ///< certainly speech; `at`: its first voiced sample
    kPause,        ///< no voice any more; `at`: behind the last voiced sample
    kTranscript,   ///< of draft `generation`; `flag`: it has words
    kTranscriptFailed,
    kWait,          ///< for draft `generation`: the turn ends `value` ms after the last voiced sample
    kReplyAudio,    ///< first audio of `generation` is there
    kReplyDone,     ///< all of it is there; `flag`: without error
    kPlayed,        ///< playback of `generation` got on
    kPlaybackDone,  ///< the listener has heard all of it
    kOverlap,       ///< verdict about overlap `generation`
    kText,          ///< a written message
    kRespond,       ///< an answer is asked for: now, or when the turn that is being spoken is over
    kCommit,        ///< the client says that the turn is over
    kForget,        ///< the client does not mean what is being said
    kCancel,        ///< the client does not want the answer
    kTick,
    kShutdown,
    kGone,
  };
  Kind kind = Kind::kTick;
  Ms now = 0;
  Ms at = 0;
  Generation generation = 0;
  Ms value = 0;
  bool flag = false;
  Overlap overlap = Overlap::kNothing;
};

struct Command {
  enum class Kind : std::uint8_t {
    kBeginUtterance,  ///< `at`: where it begins
    kDraft,           ///< transcribe, and with words make the answer, behind the gate
    kDropDraft,       ///< cancel it; nothing of it was seen
    kStartReply,      ///< draft's transcript has words: make its answer
    kCommit,          ///< the turn is over: store it, announce answer `generation`
    kOpenGate,        ///< let its audio go out
    kDropUtterance,   ///< there was nothing in it
    kEndTurn,         ///< draft's turn is over: store it; nobody asked for its answer
    kDuck,
    kUnduck,
    kHold,
    kResume,         ///< `flag`: it was held; `overlap`: what it was
    kJudgeOverlap,   ///< what is the speech since `at`? answer with kOverlap of `generation`
    kOverlapIsTurn,  ///< what was said over the answer begins the next utterance
    kEndReply,       ///< the one end of committed answer `generation`
    kApologize,      ///< say that it went wrong, outside the history
    kFiller,
    kIdlePrompt,
    kClose,  ///< nothing more will come
  };
  Kind kind = Kind::kClose;
  Generation generation = 0;
  Ms at = 0;
  ReplyEnd end = ReplyEnd::kCompleted;
  Overlap overlap = Overlap::kNothing;
  bool flag = false;
};

/// All that the machine remembers.
struct TurnState {
  enum class Heard : std::uint8_t { kUnknown, kWords, kNothing, kFailed };

  Phase phase = Phase::kListening;
  Generation last_generation = 0;

  // Of the speaker.
  bool voice = false;      ///< between kSpeech and kPause
  bool spoken = false;     ///< the turn that is answered was spoken, so that it can be re-opened
  Ms utterance_since = 0;  ///< when hearing began
  Ms last_frame = 0;
  Ms voiced_until = 0;  ///< `at` of the pause that the draft is for

  // Of the draft: kPaused.
  Generation draft = 0;
  Heard heard = Heard::kUnknown;
  bool draft_audio = false;  ///< its first audio is there
  bool draft_done = false;
  bool draft_failed = false;
  bool draft_answered = false;  ///< its answer is made
  Ms wait = 0;                  ///< after voiced_until
  Ms doubt_until = 0;           ///< a sound was heard that may be speech
  Ms transcript_until = -1;

  // Of the committed answer: kThinking to kHeld.
  Generation reply = 0;
  bool reply_done = false;
  bool reply_failed = false;
  bool filler_due = false;
  Ms committed_at = 0;
  Ms answer_until = 0;  ///< deadline of first audio, then of progress

  // Of speech over the answer: kDucked, kHeld.
  Generation overlap = 0;          ///< the judgement that is waited for
  bool overlap_is_speech = false;  ///< kSpeech came, not only kMaybeSpeech
  Ms overlap_since = 0;
  Ms judge_at = 0;
  Ms held_until = 0;

  bool asked = false;  ///< an answer is asked for and waits for the end of the turn

  Ms idle_since = -1;  ///< an answer ended and nobody spoke since
  bool draining = false;
  Ms drain_until = 0;

  bool operator==(const TurnState&) const = default;
};

/// A value: copies are independent. @thread one caller at a time
class TurnMachine {
 public:
  explicit TurnMachine(TurnLimits limits = {}) : limits_(limits) {}

  /// What follows from the event, in order. Events whose `generation` is an older one do nothing.
  std::vector<Command> on(const Event& event);

  Phase phase() const { return state_.phase; }
  const TurnState& state() const { return state_; }
  const TurnLimits& limits() const { return limits_; }
  /// Counts from the next draft on.
  void set_limits(const TurnLimits& limits) { limits_ = limits; }
  /// When to send kTick at the latest; -1: nothing is waited for, which is so in kListening and kClosed only.
  Ms deadline() const;

 private:
  using Commands = std::vector<Command>;

  void dispatch(const Event& event, Commands& out);
  void on_maybe_speech(const Event& event, Commands& out);
  void on_speech(const Event& event, Commands& out);
  void on_pause(const Event& event, Commands& out);
  void on_transcript(const Event& event, Commands& out);
  void on_reply_audio(const Event& event, Commands& out);
  void on_reply_done(const Event& event, Commands& out);
  void on_playback_done(const Event& event, Commands& out);
  void on_overlap(const Event& event, Commands& out);
  void on_text(const Event& event, Commands& out);
  void on_respond(const Event& event, Commands& out);
  void on_commit(const Event& event, Commands& out);
  void on_forget(const Event& event, Commands& out);
  void on_cancel(const Event& event, Commands& out);
  void on_shutdown(const Event& event, Commands& out);
  void on_gone(Commands& out);
  void on_tick(Ms now, Commands& out);
  void tick_answer(Ms now, Commands& out);
  void tick_overlap(Ms now, Commands& out);

  void begin_utterance(Ms now, Ms at, Commands& out);
  Ms turn_ends() const;
  void begin_draft(Ms voiced_until, Ms wait, Commands& out);
  void drop_draft(Commands& out);
  void drop_utterance(Ms now, Commands& out);
  void try_commit(Ms now, Commands& out);
  void commit(Ms now, Generation generation, Commands& out);
  void respond(Ms now, Commands& out);
  void end_reply(ReplyEnd end, Commands& out);
  void fail_reply(Ms now, Commands& out);
  void duck(const Event& event, Commands& out);
  void resume(Ms now, Overlap what, Commands& out);
  void interrupt(Ms now, Commands& out);
  void settle(Ms now, Commands& out);
  void close(Commands& out);
  bool overlapping() const { return phase() == Phase::kDucked || phase() == Phase::kHeld; }
  bool answering() const { return phase() == Phase::kThinking || phase() == Phase::kSpeaking || overlapping(); }

  TurnLimits limits_;
  TurnState state_;
};

}  // namespace morgan::dialogue::live
