// The speaking half of LiveSession: drafts of answers, the gate, pacing, and what was heard of them.
#include "base/json_util.h"
#include "base/log.h"
#include "base/strings.h"
#include "base/time_text.h"
#include "dialogue/live/live_session.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace morgan::dialogue::live {

namespace {

/// A sample above this is sound: what lies below is the pause before a word.
constexpr float kVoiced = 0.004F;

}  // namespace

LiveAsk LiveSession::own_ask() const {
  LiveAsk ask;
  ask.reply = config_.reply;
  ask.voice = config_.voice;
  ask.speed = config_.speed;
  return ask;
}

ReplyJob LiveSession::job_for(const LiveAsk& ask) const {
  ReplyJob job;
  job.max_tokens = ask.reply.max_tokens > 0 ? ask.reply.max_tokens : parts_.dialogue.max_tokens;
  job.temperature = ask.reply.temperature.value_or(parts_.dialogue.temperature);
  job.voice = ask.voice;
  job.speed = ask.speed;
  job.speak = ask.reply.speak;
  job.tools = ask.reply.tools;
  job.tool_choice = ask.reply.tool_choice;
  return job;
}

/// The answer that was committed is neither to something spoken now nor to a written message.
bool LiveSession::is_asked() const {
  return machine_.phase() == Phase::kThinking && !machine_.state().spoken && pending_text_.empty();
}

/// Tools run when the turn is certain, and not for what may turn out to be half of a sentence.
bool LiveSession::wants_tools() {
  if (!own_memory_ || parts_.tools == nullptr) return false;
  if (!reply_->plan) reply_->plan = parts_.tools->plan(config_.user_id, reply_->committed ? reply_->said : heard_.text);
  return reply_->plan->kind != tools::ToolPlan::Kind::kTalk;
}

/// Its voice is known from here on: an answer may be committed before it is begun.
void LiveSession::new_reply(Generation generation) {
  const LiveAsk ask = asked_.value_or(own_ask());
  reply_ = std::make_shared<Reply>();
  reply_->generation = generation;
  reply_->rate_hz = ask.voice.sample_rate_hz;
  reply_->speaks = ask.reply.speak;
}

void LiveSession::start_reply(Generation generation) {
  if (!reply_ || reply_->generation != generation) new_reply(generation);
  TurnTrace& trace = reply_->trace;
  const bool spoken = !reply_->committed;
  if (spoken) {
    trace.speech_end = time_of_ms(voiced_until_);
    trace.mark(TurnStage::kPauseSeen, pause_seen_);
    trace.mark(TurnStage::kTranscript, strand_->now());
    trace.speech_seconds = static_cast<double>(voiced_until_ - speech_began_) / 1000;
    trace.drafts = drafts_;
  }
  const bool tools = !is_asked() && wants_tools();
  if (spoken && tools) return;  // goes on in commit_turn
  const LiveAsk ask = asked_.value_or(own_ask());
  ReplyJob job = job_for(ask);
  if (tools) {
    job.use_tools = [agent = parts_.tools, plan = *reply_->plan, user = config_.user_id,
                     said = reply_->said](const StopToken& stop) { return agent->carry_out(plan, user, said, stop); };
  }
  if (!spoken && pending_text_.empty() && transcribing_ > 0) {
    // What it is to answer is still being transcribed.
    return when_transcribed([this, generation] {
      if (reply_ && reply_->generation == generation) start_reply(generation);
    });
  }
  if (!spoken) asked_.reset();
  // What was written or asked for is in the history already: it was committed before.
  if (ask.prompt) {
    job.prompt = ask.prompt(spoken ? heard_.text : "");
  } else {
    job.prompt = spoken ? memory_->prompt(heard_.text) : memory_->prompt_for_last();
  }
  reply_->own_prompt = !ask.prompt;
  if (!ask.prompt) add_recollection(job, spoken ? heard_.text : "");
  launch(reply_, std::move(job));
}

/// @param text  what was said; "": what the prompt ends with
void LiveSession::add_recollection(ReplyJob& job, std::string text) const {
  if (memories_ == nullptr || job.prompt.empty() || job.prompt.back().role != "user") return;
  if (text.empty()) text = job.prompt.back().content;
  job.recollect = [memories = memories_, user = config_.user_id, text = std::move(text)](const StopToken& stop) {
    return memories->recollect(user, text, stop);
  };
}

void LiveSession::launch(std::shared_ptr<Reply> reply, ReplyJob job) {
  reply->rate_hz = job.voice.sample_rate_hz;
  reply->speaks = job.speak;
  const std::weak_ptr<LiveSession> weak = weak_from_this();
  // Weak, for the answer owns the run that owns these. Nobody waits for an answer that nobody holds.
  const auto on_strand = [weak, strand = strand_, answer = std::weak_ptr<Reply>(reply)](auto call) {
    strand->post([weak, answer, call = std::move(call)]() mutable {
      const auto self = weak.lock();
      const auto of = answer.lock();
      if (self && of && !self->closed_) call(*self, of);
    });
  };
  ReplySink sink;
  sink.on_text = [on_strand](std::string delta) {
    on_strand([delta = std::move(delta)](LiveSession& self, const auto& of) { self.on_reply_text(of, delta); });
  };
  sink.on_piece = [on_strand](std::string piece) {
    on_strand([piece = std::move(piece)](LiveSession& self, const auto& of) {
      of->trace.mark(TurnStage::kFirstClause, self.strand_->now());
      self.on_reply_audio(of, {piece, {}, {}});
    });
  };
  sink.on_audio = [on_strand](std::vector<float> samples, std::vector<engines::SpokenWord> words) {
    on_strand([samples = std::move(samples), words = std::move(words)](LiveSession& self, const auto& of) mutable {
      of->trace.mark(TurnStage::kFirstAudio, self.strand_->now());
      self.on_reply_audio(of, {"", std::move(samples), std::move(words)});
    });
  };
  sink.on_done = [on_strand](Result<ReplySummary> outcome) {
    on_strand([outcome = std::move(outcome)](LiveSession& self, const auto& of) { self.on_reply_done(of, outcome); });
  };
  auto run = ReplyRun::start(*parts_.llm, *parts_.tts, *parts_.pool, std::move(job), std::move(sink));
  if (run) {
    reply->run = std::move(*run);
  } else {
    on_reply_done(reply, fail(std::move(run).error()));
  }
}

void LiveSession::on_reply_text(const std::shared_ptr<Reply>& reply, std::string delta) {
  reply->trace.mark(TurnStage::kFirstToken, strand_->now());
  reply->text += delta;
  if (reply != reply_ || !reply->committed) return;
  output_->on_response_text(reply->response, reply->text, delta, false);
  if (!reply->speaks) handle(Event::Kind::kPlayed, reply->generation);  // it gets on
}

void LiveSession::on_reply_audio(const std::shared_ptr<Reply>& reply, Reply::Piece piece) {
  const bool sound = !piece.samples.empty();
  if (reply == aside_ && reply->bridge) return sound_bridge(piece.samples);
  if (reply == aside_ && !reply->open && sound && (!reply_ || !reply_->open)) {
    reply->response = ++responses_;
    output_->on_response_start(reply->response, turn_, reply->rate_hz, true);
    output_->on_response_text(reply->response, reply->text, reply->text, true);
    if (reply->on_open) reply->on_open();
    let_out(*reply);
  }
  if (reply->open && (reply == reply_ || reply == aside_)) {
    if (!piece.text.empty()) pacer_.add_piece(std::move(piece.text));
    if (sound) pacer_.add_audio(piece.samples, std::move(piece.words));
    send_due();
    return;
  }
  reply->held.push_back(std::move(piece));
  if (reply == reply_ && sound) handle(Event::Kind::kReplyAudio, reply->generation);
}

void LiveSession::on_reply_done(const std::shared_ptr<Reply>& reply, Result<ReplySummary> outcome) {
  const bool current = reply == reply_ || reply == aside_;
  if (!current) return;
  reply->audio_done = true;
  if (outcome) {
    reply->written = true;
    reply->summary = *outcome;
    reply->trace.prompt_tokens = outcome->usage.prompt_tokens;
    reply->trace.cached_tokens = outcome->usage.cached_tokens;
    reply->trace.completion_tokens = outcome->usage.completion_tokens;
  } else if (outcome.error().code != ErrorCode::kCancelled) {
    log::warn("dialogue", "an answer failed", {{"why", outcome.error().message}});
    reply->error = outcome.error();
    output_->on_reply_error(outcome.error());
  }
  if (reply->open) pacer_.finish();
  if (reply == aside_) {
    if (!reply->open) aside_.reset();
  } else {
    if (reply->committed && outcome) output_->on_response_text(reply->response, reply->text, "", true);
    handle(Event::Kind::kReplyDone, reply->generation, outcome.has_value());
  }
  send_due();
  if (reply == reply_ && reply->committed) read_ahead(*reply);
}

/// While the answer is being heard the model reads how the next prompt begins: at times all of the history, for its
/// window moves.
void LiveSession::read_ahead(const Reply& reply) {
  if (!reply.written || !reply.own_prompt) return;
  prefill(memory_->prompt_behind(std::string(trim(reply.text)), reply.summary->recalled));
}

void LiveSession::commit_turn(Generation generation, bool written) {
  if (!reply_ || reply_->generation != generation) {
    new_reply(generation);
    reply_->trace.speech_end = strand_->now();
  }
  Reply& reply = *reply_;
  const bool asked = is_asked();
  const std::string text = asked ? "" : written ? pending_text_ : heard_.text;
  if (asked) {
    ++turn_;
  } else if (written) {
    ++turn_;
    memory_->remember_user(text, "{}");
  } else {
    end_turn();
  }
  if (reply.run) asked_.reset();  // it was made as it was asked for
  reply.committed = true;
  reply.said = text;
  reply.response = ++responses_;
  TurnTrace& trace = reply.trace;
  trace.mark(TurnStage::kDecision, strand_->now());
  trace.turn = turn_;
  trace.response = reply.response;
  trace.session_id = id_;
  trace.user_id = config_.user_id;
  trace.at = now_iso8601();
  trace.turn_probability = probability_;
  trace.wait_ms = written || asked ? 0 : machine_.state().wait;
  trace.text = text;
  if (!written && !asked && parts_.recorder != nullptr)
    trace.recording = parts_.recorder->keep_audio(listener_->utterance());
  output_->on_response_start(reply.response, turn_, reply.rate_hz, false);
  if (!reply.text.empty()) output_->on_response_text(reply.response, reply.text, reply.text, reply.written);
  read_ahead(reply);
  if (asked || !own_memory_ || parts_.tools == nullptr) return;
  const bool tools = wants_tools();
  if (!tools || reply.plan->kind == tools::ToolPlan::Kind::kMaybe) parts_.tools->talked(config_.user_id);
  if (tools && !written) start_reply(generation);  // a written one is started next
}

/// What was spoken is a turn of the conversation.
void LiveSession::end_turn() {
  ++turn_;
  tell_spoken(&heard_);
  if (heard_.language_known) listener_->set_likely_language(heard_.language);
  output_->on_transcription(turn_, heard_, true);
  memory_->remember_user(heard_.text, dump_json(Json{{"spoken", true}, {"language", heard_.language}}));
}

void LiveSession::tell_spoken(const engines::Hypothesis* heard) {
  SpokenTurn turn;
  turn.end_sample = gate_.last_voiced_sample();
  turn.audio = listener_->utterance();
  turn.heard = heard;
  turn.error = heard == nullptr && not_heard_ ? &*not_heard_ : nullptr;
  output_->on_spoken(turn);
}

void LiveSession::open_gate() {
  if (!reply_) return;
  end_aside(ReplyEnd::kCancelled);
  listener_->drop();
  let_out(*reply_);
}

/// From now on its audio goes to the client as it comes; what is there goes first.
void LiveSession::let_out(Reply& reply) {
  reply.open = true;
  if (reply.bridged) {
    pacer_.drop_queued();
  } else {
    pacer_.begin(reply.rate_hz);
  }
  for (Reply::Piece& piece : reply.held) {
    if (!piece.text.empty()) pacer_.add_piece(std::move(piece.text));
    if (!piece.samples.empty()) pacer_.add_audio(piece.samples, std::move(piece.words));
  }
  reply.held.clear();
  if (reply.audio_done) pacer_.finish();
  send_due();
}

void LiveSession::send_due() {
  if (closed_) return;
  const bool answers = reply_ && (reply_->open || reply_->bridged);
  Reply* const open = answers ? reply_.get() : aside_ && aside_->open ? aside_.get() : nullptr;
  if (open == nullptr) return;
  std::size_t samples = 0;
  for (OutputChunk& chunk : pacer_.due(strand_->now())) {
    samples += chunk.samples.size();
    send(*open, std::move(chunk));
  }
  if (samples > 0 && open->open && open->run) open->run->consumed(samples);
  if (samples > 0 && open->open && open == reply_.get()) handle(Event::Kind::kPlayed, open->generation);
  check_playback();
}

void LiveSession::send(Reply& open, OutputChunk chunk) {
  echo_.played(chunk.samples, pacer_.rate_hz());
  const bool voiced =
      std::any_of(chunk.samples.begin(), chunk.samples.end(), [](float s) { return std::abs(s) > kVoiced; });
  output_->on_audio({open.response, pacer_.rate_hz(), std::move(chunk)});
  if (voiced && open.open && !std::exchange(open.first_sent, true)) open.trace.mark(TurnStage::kSent, strand_->now());
}

void LiveSession::check_playback() {
  if (pacer_.done(strand_->now())) {
    if (aside_ && aside_->open) {
      end_aside(ReplyEnd::kCompleted);
    } else if (reply_ && reply_->open) {
      handle(Event::Kind::kPlaybackDone, reply_->generation);
    }
    return;
  }
  arm_output();
}

void LiveSession::arm_output() {
  auto due = pacer_.next_due();
  if (const auto done = pacer_.done_at(); !due || (done && *done < *due)) due = done;
  if (!due || (output_timer_ != 0 && *due == output_due_)) return;
  if (output_timer_ != 0) strand_->cancel(output_timer_);
  output_due_ = *due;
  output_timer_ = strand_->post_at(*due, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->output_timer_ = 0;
    self->send_due();
  });
}

void LiveSession::end_reply(ReplyEnd end) {
  if (!reply_) return;
  if (aside_ && aside_->bridge) end_aside(ReplyEnd::kCancelled);
  const std::shared_ptr<Reply> reply = std::exchange(reply_, nullptr);
  if (reply->run) {
    reply->run->cancel();
    // What its tools did was asked for by half of a sentence.
    if (end == ReplyEnd::kReopened && reply->plan) take_back(reply->run, *parts_.pool, strand_);
  } else {
    asked_.reset();
  }
  if (end == ReplyEnd::kReopened) output_->on_speech(speech_from_);
  std::string heard;
  if (end == ReplyEnd::kCompleted) {
    heard = trim(reply->text);
  } else if (reply->open) {
    heard = pacer_.heard_text(pacer_.played(strand_->now()));
  } else if (!reply->speaks) {
    heard = trim(reply->text);
  }
  remember_answer(*reply, end, heard);
  output_->on_response_facts(reply->response,
                             {reply->summary ? &*reply->summary : nullptr, reply->error ? &*reply->error : nullptr});
  output_->on_response_end(reply->response, end, heard);
  finish_trace(*reply, to_string(end));
  if (reply->open || reply->bridged) pacer_.begin(pacer_.rate_hz());
}

/// Also when the conversation has ended meanwhile, and however busy the pool is: what half of a sentence did must not
/// stay. A pool that has stopped takes nothing, and then the strand has stopped, too.
void LiveSession::take_back(std::shared_ptr<ReplyRun> run, runtime::BlockingPool& pool,
                            std::shared_ptr<runtime::Strand> strand) {
  constexpr std::chrono::milliseconds kAskAgain{50};
  if (pool.run([run] { run->take_back(); })) return;
  runtime::Strand& later = *strand;
  later.post_at(later.now() + kAskAgain, [run = std::move(run), &pool, strand = std::move(strand)]() mutable {
    take_back(std::move(run), pool, std::move(strand));
  });
}

void LiveSession::remember_answer(const Reply& reply, ReplyEnd end, const std::string& heard) {
  if (end == ReplyEnd::kReopened) {
    memory_->reopen();
    --turn_;  // the same turn goes on
    return;
  }
  if (heard.empty()) return;
  if (reply.summary) memory_->remember_recalled(reply.summary->recalled);
  Json metadata{{"model", parts_.llm->model_name()}, {"response", reply.response}};
  if (end != ReplyEnd::kCompleted) metadata["interrupted"] = true;
  if (reply.summary && !reply.summary->own_tools.empty()) metadata["tools"] = reply.summary->own_tools;
  memory_->remember_assistant(heard, dump_json(metadata));
}

void LiveSession::finish_trace(Reply& reply, std::string_view outcome) {
  TurnTrace& trace = reply.trace;
  trace.outcome = outcome;
  for (std::size_t i = 0; i < kTurnStages; ++i) {
    const auto stage = static_cast<TurnStage>(i);
    if (trace.ms(stage) >= 0)
      parts_.metrics->observe_seconds("morgan_live_stage_seconds", {{"stage", std::string(to_string(stage))}},
                                      trace.ms(stage) / 1000);
  }
  parts_.metrics->count("morgan_live_turns_total", {{"outcome", std::string(outcome)}});
  const OrderedJson json = trace.to_json();
  parts_.log->add(json);
  if (!trace.recording.empty()) record_turn(reply);
  output_->on_turn(json);
}

/// Beside its audio, for `morgan replay`. What was said stands here, in the file, and not in the trace, which anybody
/// who may see the turns can read.
void LiveSession::record_turn(const Reply& reply) {
  OrderedJson json = reply.trace.to_json();
  json["transcript"] = reply.trace.text;
  json["answer"] = reply.text;
  json["language"] = config_.language;
  json["voice"] = config_.voice.name;
  json["models"] = {{"stt", parts_.stt->info().model}, {"llm", parts_.llm->model_name()}};
  parts_.recorder->keep_turn(reply.trace.recording, json);
}

/// Of what was never committed nothing is left.
void LiveSession::drop_reply() {
  if (!reply_) return;
  if (reply_->run) reply_->run->cancel();
  reply_.reset();
}

// --- Outside the conversation --------------------------------------------------------------------------------------

void LiveSession::aside(const std::string& text) {
  if (text.empty() || closed_ || !config_.asides) return;
  end_aside(ReplyEnd::kCancelled);
  aside_ = std::make_shared<Reply>();
  ReplyJob job = job_for(own_ask());
  job.fixed_text = text;
  launch(aside_, std::move(job));
}

bool LiveSession::announce(Announcement announcement) {
  constexpr std::size_t kMostAnnouncements = 16;
  if (closed_ || !config_.asides) return false;
  if (aside_ && aside_->announces == announcement.id) return true;
  // Told again, it says how late it is.
  const auto waiting = std::find_if(announcements_.begin(), announcements_.end(),
                                    [&](const Announcement& other) { return other.id == announcement.id; });
  if (waiting != announcements_.end()) {
    *waiting = std::move(announcement);
  } else if (announcements_.size() < kMostAnnouncements) {
    announcements_.push_back(std::move(announcement));
  } else {
    return false;
  }
  say_next_announcement();
  return true;
}

void LiveSession::say_next_announcement() {
  if (closed_ || aside_ || reply_ || machine_.phase() != Phase::kListening) return;
  while (!announcements_.empty()) {
    Announcement next = std::move(announcements_.front());
    announcements_.pop_front();
    if (next.wanted && !next.wanted()) continue;
    aside(next.words);
    if (!aside_) return;
    aside_->announces = std::move(next.id);
    aside_->on_open = std::move(next.heard);
    return;
  }
}

/// In the answer's own stream, so that a client need not know of it.
void LiveSession::bridge(const std::string& text) {
  aside(text);
  if (aside_) aside_->bridge = true;
}

void LiveSession::sound_bridge(std::span<const float> samples) {
  const bool waited_for = reply_ && reply_->committed && !reply_->open && aside_->rate_hz == reply_->rate_hz;
  if (samples.empty() || !waited_for) return;
  if (!std::exchange(reply_->bridged, true)) {
    pacer_.begin(reply_->rate_hz);
    pacer_.add_piece("");
    output_->on_filler(reply_->response, aside_->text);
  }
  pacer_.add_audio(samples, {});
  send_due();
}

void LiveSession::end_aside(ReplyEnd end) {
  if (!aside_) return;
  const std::shared_ptr<Reply> aside = std::exchange(aside_, nullptr);
  if (aside->run) aside->run->cancel();
  if (!aside->open) return;
  const std::string heard =
      end == ReplyEnd::kCompleted ? aside->text : pacer_.heard_text(pacer_.played(strand_->now()));
  output_->on_response_end(aside->response, end, heard);
  pacer_.begin(pacer_.rate_hz());
  if (end == ReplyEnd::kCompleted) say_next_announcement();
}

}  // namespace morgan::dialogue::live
