// One live conversation: carries out what the TurnMachine decides, with real engines and real time. Transports feed
// it and are its LiveOutput; they translate and decide nothing.
#pragma once

#include "dialogue/live/echo_guard.h"
#include "dialogue/live/listener.h"
#include "dialogue/live/live_memory.h"
#include "dialogue/live/live_types.h"
#include "dialogue/live/reply_run.h"
#include "dialogue/live/speech_gate.h"

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace morgan::dialogue::live {

/// @thread the strand's, all of it; runs on until close() or gone() has ended in LiveOutput::on_closed
class LiveSession : public std::enable_shared_from_this<LiveSession> {
 public:
  /// `output` outlives the session's last call to it, which is on_closed, or detach().
  /// @param memory  shared with whoever else adds to it; null: Morgan's history of the user
  LiveSession(const LiveParts& parts, std::shared_ptr<runtime::Strand> strand, LiveConfig config, std::string id,
              LiveOutput* output, std::shared_ptr<LiveMemory> memory = nullptr);
  ~LiveSession();

  /// Begins; call once, when the session is owned by a shared_ptr.
  void start();
  /// Everything but the user.
  void configure(const LiveConfig& config);
  /// The next samples of the microphone, 16 kHz mono, any number.
  void push_audio(std::span<const float> samples);
  void say(const std::string& text);  ///< a written message
  void commit();                      ///< the turn is over
  void forget_speech();               ///< what is being said is not meant
  void cancel();                      ///< the answer is not wanted
  /// An answer is asked for, though nothing is said. While they speak it waits, and answers that, too.
  /// @return false: one is being made or asked for already
  bool respond(LiveAsk ask);
  /// What is no live speech: a recording, or a turn that the client cut itself. `then` is called on the strand.
  void transcribe(std::vector<float> samples, std::function<void(Result<engines::Hypothesis>)> then);
  /// Runs `then` on the strand when all that was given to transcribe() until now has been; maybe at once.
  void when_transcribed(std::function<void()> then);
  /// An answer beside the conversation, which is neither remembered nor paced. The sink is called on the strand.
  Result<std::shared_ptr<ReplyRun>> reply_beside(LiveAsk ask, ReplySink sink);
  /// Says this as soon as nobody speaks, outside the conversation; instead of one with the same id that waits.
  /// @return false: too much is waiting, or this client is told nothing that it has not asked for
  bool announce(Announcement announcement);
  /// Whether announce() would say something; shared with who asks, for the conversation may go. @thread any
  std::shared_ptr<const std::atomic<bool>> can_be_told() const { return can_be_told_; }
  void report_played(std::int64_t response, std::size_t samples);
  /// Finishes what was being said, within the drain deadline, then on_closed.
  void shut_down();
  /// The client has gone: ends at once; on_closed comes when all is stored.
  void gone();

  const LiveConfig& config() const { return config_; }
  bool answering() const { return (reply_ && reply_->committed) || asked_; }
  std::size_t samples_heard() const { return gate_.samples(); }
  Phase phase() const { return machine_.phase(); }

 private:
  using Time = runtime::TimePoint;

  /// An answer, from its draft to its end.
  struct Reply {
    Generation generation = 0;
    std::int64_t response = 0;  ///< 0: not committed
    int rate_hz = 0;            ///< of its voice, whatever the next one's is
    std::shared_ptr<ReplyRun> run;
    std::string text;
    bool committed = false;
    bool written = false;
    bool audio_done = false;
    bool bridge = false;                  ///< of an aside: it bridges the time until the answer sounds
    bool bridged = false;                 ///< what bridges it sounds, or has
    bool first_sent = false;              ///< a voiced sample has left
    bool speaks = true;                   ///< false: only written
    bool own_prompt = false;              ///< it answers what Morgan's own history ends with
    std::string said;                     ///< what it answers, once committed
    std::optional<tools::ToolPlan> plan;  ///< of tools: it is made when the turn is certain
    std::string announces;                ///< of an aside: the id of its announcement
    std::function<void()> on_open;        ///< of an aside: it sounds
    std::optional<ReplySummary> summary;
    std::optional<Error> error;
    /// Audio made before the commit, and what came with it.
    struct Piece {
      std::string text;
      std::vector<float> samples;
      std::vector<engines::SpokenWord> words;
    };
    std::vector<Piece> held;
    bool open = false;
    TurnTrace trace;
  };

  Ms now_ms() const;
  Ms ms_of_sample(std::size_t sample) const;
  Time time_of_ms(Ms ms) const;
  void handle(Event event);
  void handle(Event::Kind kind, Generation generation = 0, bool flag = false);
  void carry_out(const Command& command);
  void arm_timer();
  void tell_phase();

  // Hearing.
  void hear(std::span<const float> samples);
  void on_gate_event(const GateEvent& event);
  bool deaf() const;
  void hear_through_echo();
  void begin_utterance(std::size_t at);
  void on_partial(const engines::Hypothesis& hypothesis);
  void begin_draft(Generation generation, Ms voiced_until);
  void on_draft(Generation generation, Result<engines::Hypothesis> hypothesis);
  void ask_turn(Generation generation);
  void on_turn_probability(Generation generation, float probability);
  void update_wait();
  void prefill(const std::string& text);
  bool prefill(std::vector<engines::ChatMessage> prompt);
  void read_ahead(const Reply& reply);
  void judge(Generation generation, const engines::Hypothesis& hypothesis);

  // Answering.
  void new_reply(Generation generation);
  void start_reply(Generation generation);
  void launch(std::shared_ptr<Reply> reply, ReplyJob job);
  ReplyJob job_for(const LiveAsk& ask) const;
  void add_recollection(ReplyJob& job, std::string text) const;
  LiveAsk own_ask() const;
  bool is_asked() const;
  bool wants_tools();
  void say_next_announcement();
  static void take_back(std::shared_ptr<ReplyRun> run, runtime::BlockingPool& pool,
                        std::shared_ptr<runtime::Strand> strand);
  void end_turn();
  void tell_spoken(const engines::Hypothesis* heard);
  void apply_limits();
  void commit_turn(Generation generation, bool written);
  void open_gate();
  void end_reply(ReplyEnd end);
  void drop_reply();
  void remember_answer(const Reply& reply, ReplyEnd end, const std::string& heard);
  void aside(const std::string& text);
  void end_aside(ReplyEnd end);
  void bridge(const std::string& text);
  void sound_bridge(std::span<const float> samples);
  void let_out(Reply& reply);
  void send_due();
  void arm_output();
  void send(Reply& open, OutputChunk chunk);
  void check_playback();
  void on_reply_text(const std::shared_ptr<Reply>& reply, std::string delta);
  void on_reply_audio(const std::shared_ptr<Reply>& reply, Reply::Piece piece);
  void on_reply_done(const std::shared_ptr<Reply>& reply, Result<ReplySummary> outcome);
  void finish_trace(Reply& reply, std::string_view outcome);
  void record_turn(const Reply& reply);
  void close();

  const LiveParts& parts_;
  std::shared_ptr<runtime::Strand> strand_;
  LiveConfig config_;
  const std::string id_;
  LiveOutput* output_;  // not owned

  TurnMachine machine_;
  std::deque<Event> events_;  // told while an event is being carried out
  bool handling_ = false;
  Phase told_phase_ = Phase::kListening;
  runtime::TimerId machine_timer_ = 0;
  Ms machine_due_ = -1;

  SpeechGate gate_;
  EchoGuard echo_;
  std::shared_ptr<Listener> listener_;
  std::shared_ptr<LiveMemory> memory_;  // shared with what is being written, and with the transport
  UserMemories* memories_ = nullptr;    // not owned; null: none, or the client keeps the conversation
  std::size_t speech_from_ = 0;         // sample where the newest speech began
  bool unheard_speech_ = false;         // there is speech that was taken for an echo
  Time last_partial_{};
  std::shared_ptr<StopSource> prefilling_;
  std::string prefilled_;

  // The draft, or the utterance that is being committed.
  std::int64_t turn_ = 0;
  engines::Hypothesis heard_;
  std::optional<Error> not_heard_;  // why the draft has no transcript
  std::string pending_text_;        // a written message that is about to be committed
  std::optional<LiveAsk> asked_;    // an answer is asked for and has not begun
  std::size_t transcribing_ = 0;
  std::vector<std::function<void()>> when_transcribed_;
  Ms voiced_until_ = 0;
  Ms speech_began_ = 0;
  float probability_ = -1;
  std::size_t turn_questions_ = 0;
  runtime::TimerId turn_timer_ = 0;
  Time pause_seen_{};
  int drafts_ = 0;

  std::int64_t responses_ = 0;
  std::shared_ptr<Reply> reply_;  // shared with callbacks that are on their way
  std::shared_ptr<Reply> aside_;
  OutputPacer pacer_;
  runtime::TimerId output_timer_ = 0;
  Time output_due_{};
  std::deque<Announcement> announcements_;
  const std::shared_ptr<std::atomic<bool>> can_be_told_;  // shared with LiveService; written on the strand
  const bool own_memory_;  // of Morgan: its tools are used; who keeps the conversation has tools, too
  bool closed_ = false;
};

}  // namespace morgan::dialogue::live
