#include "dialogue/live/live_session.h"

#include "base/json_util.h"
#include "base/log.h"
#include "base/strings.h"
#include "dialogue/live/conversation_memory.h"
#include "dialogue/live/overlap_judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace morgan::dialogue::live {

namespace {

constexpr Ms kSamplesPerMs = audio::kSpeechRate / 1000;
/// When the turn model is asked again during a pause, after the last voiced sample. Not later: what it says of any long
/// silence is that it is over.
constexpr std::array<Ms, 1> kTurnQuestions{130};
/// Pauses that tell something about a speaker: shorter ones are closures, longer ones thought.
constexpr Ms kShortestPause = 200;
constexpr Ms kLongestPause = 2'500;
/// What Whisper makes of a breath is shorter than this and unsure.
constexpr Ms kBreath = 260;
constexpr float kUnsure = 0.5F;

MemoryOptions memory_options(const LiveParts& parts) {
  const int context = parts.llm->context_tokens();
  return {parts.dialogue.system_prompt, parts.dialogue.max_history_messages,
          context > 0 ? std::max(1, context - parts.dialogue.max_tokens) : 0, parts.memories};
}

}  // namespace

LiveSession::LiveSession(const LiveParts& parts, std::shared_ptr<runtime::Strand> strand, LiveConfig config,
                         std::string id, LiveOutput* output, std::shared_ptr<LiveMemory> memory)
    : parts_(parts),
      strand_(std::move(strand)),
      config_(std::move(config)),
      id_(std::move(id)),
      output_(output),
      machine_(parts.options.limits),
      gate_(parts.vad->open()),
      memory_(std::move(memory)),
      pacer_(parts.options.pacer),
      can_be_told_(std::make_shared<std::atomic<bool>>(config_.asides)),
      own_memory_(memory_ == nullptr) {}

LiveSession::~LiveSession() = default;

void LiveSession::start() {
  const std::weak_ptr<LiveSession> weak = weak_from_this();
  ListenerEvents events;
  events.on_partial = [this](const engines::Hypothesis& hypothesis) { on_partial(hypothesis); };
  events.on_draft = [this](Generation generation, Result<engines::Hypothesis> hypothesis) {
    on_draft(generation, std::move(hypothesis));
  };
  events.on_turn = [this](Generation generation, float probability) { on_turn_probability(generation, probability); };
  listener_ = std::make_shared<Listener>(strand_, *parts_.pool, *parts_.stt, parts_.turn, std::move(events));
  listener_->set_language(config_.language);
  const auto on_trouble = [weak](const Error& error) {
    if (const auto self = weak.lock(); self && !self->closed_) self->output_->on_error(error);
  };
  if (!memory_) {
    memories_ = parts_.memories;
    memory_ = std::make_shared<ConversationMemory>(strand_, *parts_.pool, *parts_.store, memory_options(parts_),
                                                   config_.user_id, on_trouble);
  }
  memory_->refresh();
  apply_limits();
}

void LiveSession::configure(const LiveConfig& config) {
  const std::string user_id = config_.user_id;
  config_ = config;
  config_.user_id = user_id;
  can_be_told_->store(config_.asides && !closed_);
  listener_->set_language(config_.language);
  apply_limits();
}

void LiveSession::apply_limits() {
  TurnLimits limits = parts_.options.limits;
  limits.answer_turns = config_.answer_turns;
  if (config_.endpoint) limits.longest_wait = config_.endpoint->longest;
  if (!config_.asides) {
    limits.idle_prompt_after = config_.idle_after;
    limits.filler_after = 0;
  }
  machine_.set_limits(limits);
}

Ms LiveSession::now_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(strand_->now().time_since_epoch()).count();
}

Ms LiveSession::ms_of_sample(std::size_t sample) const {
  const auto ago = static_cast<Ms>(gate_.samples() - std::min(gate_.samples(), sample));
  return now_ms() - ago / kSamplesPerMs;
}

LiveSession::Time LiveSession::time_of_ms(Ms ms) const {
  return Time(std::chrono::milliseconds(ms));
}

// --- The machine ---------------------------------------------------------------------------------------------------

void LiveSession::handle(Event::Kind kind, Generation generation, bool flag) {
  Event event;
  event.kind = kind;
  event.generation = generation;
  event.flag = flag;
  handle(event);
}

void LiveSession::handle(Event event) {
  if (closed_) return;
  event.now = now_ms();
  events_.push_back(event);
  if (std::exchange(handling_, true)) return;  // what carries out a command may tell of something itself
  while (!events_.empty() && !closed_) {
    const Event next = events_.front();
    events_.pop_front();
    for (const Command& command : machine_.on(next))
      carry_out(command);
    tell_phase();
  }
  handling_ = false;
  if (!closed_) arm_timer();
}

void LiveSession::tell_phase() {
  if (closed_ || machine_.phase() == told_phase_) return;
  told_phase_ = machine_.phase();
  output_->on_phase(told_phase_);
  say_next_announcement();
}

void LiveSession::arm_timer() {
  const Ms due = machine_.deadline();
  if (due == machine_due_ && machine_timer_ != 0) return;
  if (machine_timer_ != 0) strand_->cancel(machine_timer_);
  machine_timer_ = 0;
  machine_due_ = due;
  if (due < 0) return;
  machine_timer_ = strand_->post_at(time_of_ms(due), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->machine_timer_ = 0;
    self->handle(Event::Kind::kTick);
  });
}

void LiveSession::carry_out(const Command& command) {
  using Kind = Command::Kind;
  switch (command.kind) {
    case Kind::kBeginUtterance:
      begin_utterance(speech_from_);
      break;
    case Kind::kDraft:
      begin_draft(command.generation, command.at);
      break;
    case Kind::kDropDraft:
      listener_->forget_draft();
      drop_reply();
      break;
    case Kind::kStartReply:
      start_reply(command.generation);
      break;
    case Kind::kCommit:
      commit_turn(command.generation, !pending_text_.empty());
      break;
    case Kind::kOpenGate:
      open_gate();
      break;
    case Kind::kDropUtterance:
      tell_spoken(nullptr);
      listener_->drop();
      memory_->keep();  // a turn that was re-opened in vain stays as it was
      break;
    case Kind::kDuck:
      pacer_.duck();
      if (reply_) output_->on_duck(reply_->response, parts_.options.pacer.duck_gain);
      break;
    case Kind::kUnduck:
      pacer_.unduck();
      listener_->drop();
      if (reply_) output_->on_duck(reply_->response, 1);
      break;
    case Kind::kHold:
      pacer_.hold(strand_->now());
      if (reply_) output_->on_hold(reply_->response, pacer_.sent());
      break;
    case Kind::kResume:
      listener_->drop();
      pacer_.resume(strand_->now());
      if (reply_) output_->on_resume(reply_->response, pacer_.sent());
      parts_.metrics->count("morgan_live_overlaps_total", {{"verdict", "resumed"}});
      send_due();
      break;
    case Kind::kJudgeOverlap:
      if (listener_->active()) {
        listener_->draft(command.generation, engines::DecodeKind::kPause);
      } else {
        handle(Event::Kind::kOverlap, command.generation);
      }
      break;
    case Kind::kOverlapIsTurn:
      if (!listener_->active()) listener_->begin(speech_from_);
      output_->on_speech(speech_from_);
      speech_began_ = command.at;
      drafts_ = 0;
      parts_.metrics->count("morgan_live_overlaps_total", {{"verdict", "interrupted"}});
      break;
    case Kind::kEndReply:
      end_reply(command.end);
      break;
    case Kind::kApologize:
      aside(parts_.options.apology);
      break;
    case Kind::kFiller:
      bridge(parts_.options.filler);
      break;
    case Kind::kIdlePrompt:
      config_.asides ? aside(parts_.options.idle_prompt) : output_->on_idle();
      break;
    case Kind::kEndTurn:
      end_turn();
      listener_->drop();
      break;
    case Kind::kClose:
      close();
      break;
  }
}

// --- Hearing -------------------------------------------------------------------------------------------------------

void LiveSession::push_audio(std::span<const float> samples) {
  // However much comes at once: what is said is found before it is too old to be kept.
  constexpr std::size_t kPortion = audio::kSpeechRate / 10;
  for (; samples.size() > kPortion; samples = samples.subspan(kPortion))
    hear(samples.first(kPortion));
  hear(samples);
}

void LiveSession::hear(std::span<const float> samples) {
  if (closed_ || samples.empty()) return;
  echo_.heard(samples);
  listener_->push(samples);
  const auto events = gate_.push(samples);
  if (!events) {
    output_->on_error(events.error());
    return;
  }
  for (const GateEvent& event : *events)
    on_gate_event(event);
  hear_through_echo();
  handle(Event::Kind::kFrame);
  const bool hearing = machine_.phase() == Phase::kHearing && listener_->active() && !listener_->busy();
  if (hearing && strand_->now() - last_partial_ >= parts_.options.partial_every) {
    last_partial_ = strand_->now();
    listener_->partial();
  }
}

/// Nobody is listened to: Morgan speaks and must not be interrupted, or hears itself.
bool LiveSession::deaf() const {
  const bool speaking = machine_.phase() == Phase::kSpeaking || machine_.phase() == Phase::kDucked;
  if (speaking && !config_.barge_in) return true;
  const bool aside = (aside_ && aside_->open) || (reply_ && reply_->bridged);
  return (speaking || aside) && echo_.is_echo();
}

void LiveSession::hear_through_echo() {
  if (!unheard_speech_) return;
  unheard_speech_ = gate_.in_speech();
  if (!unheard_speech_ || deaf()) return;
  on_gate_event({GateEvent::Kind::kSpeech, gate_.samples()});
}

void LiveSession::on_gate_event(const GateEvent& gate) {
  Event event;
  event.at = ms_of_sample(gate.at_sample);
  switch (gate.kind) {
    case GateEvent::Kind::kSound:
      // Only who waits for more asks what it is; nothing is ducked for a sound.
      if (machine_.phase() != Phase::kPaused) return;
      event.kind = Event::Kind::kMaybeSpeech;
      break;
    case GateEvent::Kind::kMaybeSpeech:
      if (deaf()) return;
      event.kind = Event::Kind::kMaybeSpeech;
      break;
    case GateEvent::Kind::kSpeech: {
      if (deaf()) {
        unheard_speech_ = true;
        return;
      }
      unheard_speech_ = false;
      event.kind = Event::Kind::kSpeech;
      speech_from_ = gate.at_sample;
      const Phase phase = machine_.phase();
      if (phase == Phase::kSpeaking || phase == Phase::kDucked) listener_->begin(speech_from_);
      const Ms pause = event.at - voiced_until_;
      const bool went_on = phase == Phase::kPaused || (phase == Phase::kThinking && machine_.state().spoken);
      if (went_on && pause >= kShortestPause && pause <= kLongestPause) memory_->add_pause(pause);
      break;
    }
    case GateEvent::Kind::kPause:
      unheard_speech_ = false;
      // With a button, the pause that counts is the release of it.
      if (config_.mode == TurnMode::kPress && machine_.phase() == Phase::kHearing) return;
      event.kind = Event::Kind::kPause;
      break;
  }
  handle(event);
}

void LiveSession::begin_utterance(std::size_t at) {
  end_aside(ReplyEnd::kInterrupted);
  listener_->begin(at);
  output_->on_speech(at);
  speech_began_ = ms_of_sample(at);
  drafts_ = 0;
  last_partial_ = strand_->now();
  prefilled_.clear();
  memory_->refresh();
}

void LiveSession::on_partial(const engines::Hypothesis& hypothesis) {
  if (closed_ || machine_.phase() != Phase::kHearing) return;
  output_->on_transcription(turn_ + 1, hypothesis, false);
  prefill(hypothesis.text);
}

/// What was heard so far goes into the model's cache while they still speak.
void LiveSession::prefill(const std::string& text) {
  if (text == prefilled_) return;
  if (prefill(memory_->prompt(text))) prefilled_ = text;
}

/// @return false: not now
bool LiveSession::prefill(std::vector<engines::ChatMessage> prompt) {
  if (prefilling_) return false;
  // There will be another prompt, or none.
  if (prompt.empty() || !config_.answer_turns || !config_.reply.tools.empty()) return false;
  auto stop = std::make_shared<StopSource>();
  prefilling_ = stop;
  auto task = [weak = weak_from_this(), strand = strand_, llm = parts_.llm, prompt = std::move(prompt), stop] {
    // Nothing depends on it: the answer computes what is missing.
    static_cast<void>(llm->prefill(prompt, stop->token()).has_value());
    strand->post([weak, stop] {
      if (const auto self = weak.lock(); self && self->prefilling_ == stop) self->prefilling_.reset();
    });
  };
  if (!parts_.pool->run(std::move(task))) prefilling_.reset();
  return true;
}

void LiveSession::begin_draft(Generation generation, Ms voiced_until) {
  if (prefilling_) prefilling_->request_stop(StopReason::kBargeIn);
  prefilling_.reset();
  voiced_until_ = voiced_until;
  pause_seen_ = strand_->now();
  probability_ = -1;
  heard_ = {};
  not_heard_.reset();
  turn_questions_ = 0;
  ++drafts_;
  if (!listener_->active()) {
    handle(Event::Kind::kTranscript, generation, false);
    return;
  }
  listener_->draft(generation, engines::DecodeKind::kPause);
  ask_turn(generation);
}

void LiveSession::ask_turn(Generation generation) {
  if (machine_.phase() != Phase::kPaused || machine_.state().draft != generation) return;
  listener_->ask_turn(generation);
  if (turn_questions_ >= kTurnQuestions.size() || parts_.turn == nullptr) return;
  const Ms next = voiced_until_ + kTurnQuestions[turn_questions_++];
  turn_timer_ = strand_->post_at(time_of_ms(next), [weak = weak_from_this(), generation] {
    if (const auto self = weak.lock(); self && !self->closed_) self->ask_turn(generation);
  });
}

void LiveSession::on_turn_probability(Generation generation, float probability) {
  if (closed_ || machine_.state().draft != generation) return;
  probability_ = probability;
  update_wait();
}

void LiveSession::update_wait() {
  if (machine_.phase() != Phase::kPaused) return;
  Event event;
  event.kind = Event::Kind::kWait;
  event.generation = machine_.state().draft;
  const TextEnding ending = ending_of(heard_.text);
  event.value =
      endpoint_wait(probability_, ending, memory_->pauses(), config_.endpoint.value_or(parts_.options.endpoint));
  if (log::enabled(log::Level::kDebug)) {
    log::debug("dialogue", "how long to wait for more",
               {{"session", id_},
                {"pause_ms", std::to_string(now_ms() - voiced_until_)},
                {"probability", fmt::format("{:.3f}", probability_)},
                {"ending", std::string(to_string(ending))},
                {"wait_ms", std::to_string(event.value)}});
  }
  handle(event);
}

void LiveSession::on_draft(Generation generation, Result<engines::Hypothesis> hypothesis) {
  if (closed_) return;
  if (generation == machine_.state().overlap) {
    if (hypothesis) return judge(generation, *hypothesis);
    return handle(Event::Kind::kOverlap, generation);
  }
  if (generation != machine_.state().draft) return;
  if (!hypothesis) {
    log::warn("dialogue", "a turn could not be transcribed", {{"why", hypothesis.error().message}});
    not_heard_ = hypothesis.error();
    output_->on_error(hypothesis.error());
    return handle(Event::Kind::kTranscriptFailed, generation);
  }
  heard_ = std::move(*hypothesis);
  heard_.text = trim(heard_.text);
  const bool breath = voiced_until_ - speech_began_ < kBreath && heard_.confidence < kUnsure;
  if (breath) heard_.text.clear();
  if (!heard_.text.empty()) output_->on_transcription(turn_ + 1, heard_, false);
  handle(Event::Kind::kTranscript, generation, !heard_.text.empty());
  update_wait();
}

void LiveSession::judge(Generation generation, const engines::Hypothesis& hypothesis) {
  OverlapEvidence evidence;
  evidence.text = hypothesis.text;
  evidence.confidence = hypothesis.confidence;
  evidence.voiced =
      static_cast<Ms>(gate_.last_voiced_sample() - std::min(gate_.last_voiced_sample(), speech_from_)) / kSamplesPerMs;
  evidence.still_speaking = gate_.in_speech();
  constexpr std::chrono::milliseconds kEchoMemory{6'000};
  const std::string spoken = pacer_.recent_text(pacer_.sent(), kEchoMemory);
  evidence.spoken = spoken;
  Event event;
  event.kind = Event::Kind::kOverlap;
  event.generation = generation;
  event.overlap = judge_overlap(evidence);
  handle(event);
}

// --- The end of it -------------------------------------------------------------------------------------------------

void LiveSession::shut_down() {
  handle(Event::Kind::kShutdown);
}

void LiveSession::gone() {
  handle(Event::Kind::kGone);
}

void LiveSession::close() {
  if (closed_) return;
  end_aside(ReplyEnd::kCancelled);
  closed_ = true;
  can_be_told_->store(false);
  for (const runtime::TimerId timer : {machine_timer_, turn_timer_, output_timer_}) {
    if (timer != 0) strand_->cancel(timer);
  }
  if (prefilling_) prefilling_->request_stop(StopReason::kClientGone);
  listener_->drop();
  drop_reply();
  memory_->when_written([self = shared_from_this()] { self->output_->on_closed(); });
}

}  // namespace morgan::dialogue::live
