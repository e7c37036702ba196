#include "dialogue/live/turn_machine.h"

#include <algorithm>
#include <utility>

namespace morgan::dialogue::live {

namespace {

Command make(Command::Kind kind, Generation generation = 0, Ms at = 0) {
  Command command;
  command.kind = kind;
  command.generation = generation;
  command.at = at;
  return command;
}

}  // namespace

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::kListening:
      return "listening";
    case Phase::kHearing:
      return "hearing";
    case Phase::kPaused:
      return "paused";
    case Phase::kThinking:
      return "thinking";
    case Phase::kSpeaking:
      return "speaking";
    case Phase::kDucked:
      return "ducked";
    case Phase::kHeld:
      return "held";
    case Phase::kClosed:
      return "closed";
  }
  return "";
}

std::string_view to_string(ReplyEnd end) {
  switch (end) {
    case ReplyEnd::kCompleted:
      return "completed";
    case ReplyEnd::kInterrupted:
      return "interrupted";
    case ReplyEnd::kCancelled:
      return "cancelled";
    case ReplyEnd::kReopened:
      return "reopened";
    case ReplyEnd::kFailed:
      return "failed";
  }
  return "";
}

std::vector<Command> TurnMachine::on(const Event& event) {
  Commands out;
  if (phase() == Phase::kClosed) return out;
  dispatch(event, out);
  return out;
}

void TurnMachine::dispatch(const Event& event, Commands& out) {
  switch (event.kind) {
    case Event::Kind::kFrame:
      state_.last_frame = event.now;
      on_tick(event.now, out);
      break;
    case Event::Kind::kMaybeSpeech:
      on_maybe_speech(event, out);
      break;
    case Event::Kind::kSpeech:
      on_speech(event, out);
      break;
    case Event::Kind::kPause:
      on_pause(event, out);
      break;
    case Event::Kind::kTranscript:
    case Event::Kind::kTranscriptFailed:
      on_transcript(event, out);
      break;
    case Event::Kind::kWait:
      // Without a wait the turn is over, whatever the model thinks: the client said so, or the time is up.
      if (phase() != Phase::kPaused || event.generation != state_.draft || state_.wait == 0) break;
      state_.wait = std::min(event.value, limits_.longest_wait);
      try_commit(event.now, out);
      break;
    case Event::Kind::kReplyAudio:
      on_reply_audio(event, out);
      break;
    case Event::Kind::kReplyDone:
      on_reply_done(event, out);
      break;
    case Event::Kind::kPlayed:
      if (answering() && event.generation == state_.reply) state_.answer_until = event.now + limits_.playback_deadline;
      break;
    case Event::Kind::kPlaybackDone:
      on_playback_done(event, out);
      break;
    case Event::Kind::kOverlap:
      on_overlap(event, out);
      break;
    case Event::Kind::kText:
      on_text(event, out);
      break;
    case Event::Kind::kRespond:
      on_respond(event, out);
      break;
    case Event::Kind::kCommit:
      on_commit(event, out);
      break;
    case Event::Kind::kForget:
      on_forget(event, out);
      break;
    case Event::Kind::kCancel:
      on_cancel(event, out);
      break;
    case Event::Kind::kTick:
      on_tick(event.now, out);
      break;
    case Event::Kind::kShutdown:
      on_shutdown(event, out);
      break;
    case Event::Kind::kGone:
      on_gone(out);
      break;
  }
}

Ms TurnMachine::deadline() const {
  Ms due = -1;
  const auto consider = [&due](Ms when) { due = due < 0 ? when : std::min(due, when); };
  switch (phase()) {
    case Phase::kClosed:
      return -1;
    case Phase::kListening:
      if (state_.idle_since >= 0 && limits_.idle_prompt_after > 0)
        consider(state_.idle_since + limits_.idle_prompt_after);
      break;
    case Phase::kHearing:
      consider(state_.utterance_since + limits_.longest_turn);
      consider(state_.last_frame + limits_.stalled_audio);
      break;
    case Phase::kPaused:
      consider(state_.transcript_until >= 0 ? state_.transcript_until : turn_ends());
      break;
    case Phase::kThinking:
      consider(state_.answer_until);
      if (state_.filler_due) consider(state_.committed_at + limits_.filler_after);
      break;
    case Phase::kSpeaking:
      consider(state_.answer_until);
      break;
    case Phase::kDucked:
      consider(state_.overlap_since + (state_.overlap_is_speech ? limits_.hold_after : limits_.duck_doubt));
      break;
    case Phase::kHeld:
      consider(state_.held_until);
      if (state_.voice && state_.overlap == 0) consider(state_.judge_at);
      break;
  }
  if (state_.draining) consider(state_.drain_until);
  return due;
}

// --- The speaker ---------------------------------------------------------------------------------------------------

void TurnMachine::on_maybe_speech(const Event& event, Commands& out) {
  if (state_.draining) return;
  if (phase() == Phase::kSpeaking) duck(event, out);
  // What the voice detector needs to be sure of soft speech must not be enough to take the turn.
  if (phase() == Phase::kPaused) state_.doubt_until = event.now + limits_.speech_doubt;
}

void TurnMachine::on_speech(const Event& event, Commands& out) {
  state_.voice = true;
  state_.last_frame = std::max(state_.last_frame, event.now);
  if (state_.draining) return;  // what is being answered is finished; nothing new begins
  switch (phase()) {
    case Phase::kListening:
      begin_utterance(event.now, event.at, out);
      break;
    case Phase::kPaused:
      drop_draft(out);
      state_.phase = Phase::kHearing;
      break;
    case Phase::kThinking: {
      // Nothing of the answer has been heard yet: the turn was not over after all.
      if (state_.spoken) {
        end_reply(ReplyEnd::kReopened, out);
        state_.phase = Phase::kHearing;
        state_.utterance_since = event.now;
      } else {
        begin_utterance(event.now, event.at, out);
        end_reply(ReplyEnd::kInterrupted, out);
      }
      break;
    }
    case Phase::kSpeaking:
      duck(event, out);
      state_.overlap_is_speech = true;
      break;
    case Phase::kDucked:
      state_.overlap_is_speech = true;
      break;
    case Phase::kHearing:
    case Phase::kHeld:
    case Phase::kClosed:
      break;
  }
}

void TurnMachine::on_pause(const Event& event, Commands& out) {
  if (!state_.voice) return;
  state_.voice = false;
  if (phase() == Phase::kHearing) {
    begin_draft(event.at, limits_.longest_wait, out);
  } else if (phase() == Phase::kDucked) {
    if (state_.overlap_is_speech) resume(event.now, Overlap::kNothing, out);  // too short to be a word
  } else if (phase() == Phase::kHeld) {
    state_.voiced_until = event.at;
    state_.overlap = ++state_.last_generation;
    out.push_back(make(Command::Kind::kJudgeOverlap, state_.overlap, state_.overlap_since));
  }
}

void TurnMachine::begin_utterance(Ms now, Ms at, Commands& out) {
  state_.phase = Phase::kHearing;
  state_.utterance_since = now;
  state_.last_frame = std::max(state_.last_frame, now);
  state_.idle_since = -1;
  out.push_back(make(Command::Kind::kBeginUtterance, 0, at));
}

// --- The draft -----------------------------------------------------------------------------------------------------

Ms TurnMachine::turn_ends() const {
  const Ms wait_over = state_.voiced_until + state_.wait;
  return std::clamp(state_.doubt_until, wait_over, wait_over + limits_.most_doubt);
}

void TurnMachine::begin_draft(Ms voiced_until, Ms wait, Commands& out) {
  state_.phase = Phase::kPaused;
  state_.draft = ++state_.last_generation;
  state_.voiced_until = voiced_until;
  state_.wait = wait;
  state_.doubt_until = 0;
  state_.heard = TurnState::Heard::kUnknown;
  state_.draft_audio = state_.draft_done = state_.draft_failed = false;
  state_.draft_answered = limits_.answer_turns || state_.asked;
  state_.transcript_until = -1;
  out.push_back(make(Command::Kind::kDraft, state_.draft, voiced_until));
}

void TurnMachine::drop_draft(Commands& out) {
  out.push_back(make(Command::Kind::kDropDraft, state_.draft));
  state_.draft = 0;
}

void TurnMachine::drop_utterance(Ms now, Commands& out) {
  drop_draft(out);
  out.push_back(make(Command::Kind::kDropUtterance));
  settle(now, out);
}

void TurnMachine::on_transcript(const Event& event, Commands& out) {
  if (phase() != Phase::kPaused || event.generation != state_.draft) return;
  if (state_.heard != TurnState::Heard::kUnknown) return;
  if (event.kind == Event::Kind::kTranscriptFailed) {
    state_.heard = TurnState::Heard::kFailed;
  } else {
    state_.heard = event.flag ? TurnState::Heard::kWords : TurnState::Heard::kNothing;
    if (event.flag && state_.draft_answered) out.push_back(make(Command::Kind::kStartReply, state_.draft));
  }
  try_commit(event.now, out);
}

void TurnMachine::try_commit(Ms now, Commands& out) {
  if (phase() != Phase::kPaused || now < turn_ends()) return;
  switch (state_.heard) {
    case TurnState::Heard::kWords: {
      const Generation generation = std::exchange(state_.draft, 0);
      state_.spoken = true;
      if (state_.draft_answered) {
        commit(now, generation, out);
      } else {
        out.push_back(make(Command::Kind::kEndTurn, generation));
        settle(now, out);
      }
      break;
    }
    case TurnState::Heard::kNothing:
      drop_utterance(now, out);
      break;
    case TurnState::Heard::kFailed:
      out.push_back(make(Command::Kind::kApologize));
      drop_utterance(now, out);
      break;
    case TurnState::Heard::kUnknown:
      if (state_.transcript_until < 0) state_.transcript_until = now + limits_.transcript_deadline;
      if (now < state_.transcript_until) break;
      out.push_back(make(Command::Kind::kApologize));
      drop_utterance(now, out);
      break;
  }
}

// --- The answer ----------------------------------------------------------------------------------------------------

void TurnMachine::commit(Ms now, Generation generation, Commands& out) {
  const bool audio = state_.draft_audio;
  state_.reply = generation;
  state_.reply_done = state_.draft_done;
  state_.reply_failed = state_.draft_done && state_.draft_failed;
  state_.draft_audio = state_.draft_done = state_.draft_failed = false;
  state_.phase = Phase::kThinking;
  state_.committed_at = now;
  state_.answer_until = now + limits_.first_audio_deadline;
  state_.filler_due = limits_.filler_after > 0;
  state_.idle_since = -1;
  state_.asked = false;
  out.push_back(make(Command::Kind::kCommit, generation));
  if (audio) {
    Event event;
    event.now = now;
    event.generation = generation;
    on_reply_audio(event, out);
  } else if (state_.reply_failed) {
    fail_reply(now, out);
  } else if (state_.reply_done) {
    end_reply(ReplyEnd::kCompleted, out);
    settle(now, out);
  }
}

void TurnMachine::on_reply_audio(const Event& event, Commands& out) {
  if (phase() == Phase::kPaused && event.generation == state_.draft) state_.draft_audio = true;
  if (phase() != Phase::kThinking || event.generation != state_.reply) return;
  state_.phase = Phase::kSpeaking;
  state_.answer_until = event.now + limits_.playback_deadline;
  out.push_back(make(Command::Kind::kOpenGate, state_.reply));
}

void TurnMachine::on_reply_done(const Event& event, Commands& out) {
  if (phase() == Phase::kPaused && event.generation == state_.draft) {
    state_.draft_done = true;
    state_.draft_failed = !event.flag;
  }
  if (!answering() || event.generation != state_.reply || state_.reply_done) return;
  state_.reply_done = true;
  state_.reply_failed = !event.flag;
  if (phase() != Phase::kThinking) return;  // what there is of it is heard first
  if (state_.reply_failed) return fail_reply(event.now, out);
  end_reply(ReplyEnd::kCompleted, out);
  settle(event.now, out);
}

void TurnMachine::on_playback_done(const Event& event, Commands& out) {
  const bool may_end = phase() == Phase::kSpeaking || phase() == Phase::kDucked;
  if (!may_end || event.generation != state_.reply || !state_.reply_done) return;
  if (state_.reply_failed) return fail_reply(event.now, out);
  const bool they_speak = phase() == Phase::kDucked && state_.overlap_is_speech && state_.voice;
  end_reply(ReplyEnd::kCompleted, out);
  if (they_speak && !state_.draining) {
    out.push_back(make(Command::Kind::kOverlapIsTurn, 0, state_.overlap_since));
    state_.phase = Phase::kHearing;
    state_.utterance_since = event.now;
  } else {
    settle(event.now, out);
  }
}

void TurnMachine::end_reply(ReplyEnd end, Commands& out) {
  Command command = make(Command::Kind::kEndReply, state_.reply);
  command.end = end;
  out.push_back(command);
  state_.reply = 0;
  state_.overlap = 0;
  state_.reply_done = state_.reply_failed = state_.filler_due = false;
}

void TurnMachine::fail_reply(Ms now, Commands& out) {
  end_reply(ReplyEnd::kFailed, out);
  out.push_back(make(Command::Kind::kApologize));
  settle(now, out);
}

void TurnMachine::settle(Ms now, Commands& out) {
  state_.overlap_is_speech = false;
  if (state_.draining) return close(out);
  state_.phase = Phase::kListening;
  state_.idle_since = now;
  if (state_.voice) {
    begin_utterance(now, now, out);
  } else if (state_.asked) {
    respond(now, out);
  }
}

void TurnMachine::close(Commands& out) {
  state_.phase = Phase::kClosed;
  out.push_back(make(Command::Kind::kClose));
}

// --- Speech over the answer ----------------------------------------------------------------------------------------

void TurnMachine::duck(const Event& event, Commands& out) {
  state_.phase = Phase::kDucked;
  state_.overlap = 0;
  state_.overlap_is_speech = false;
  state_.overlap_since = event.at;
  out.push_back(make(Command::Kind::kDuck, state_.reply));
}

void TurnMachine::resume(Ms now, Overlap what, Commands& out) {
  const bool held = phase() == Phase::kHeld;
  state_.phase = Phase::kSpeaking;
  state_.overlap = 0;
  state_.answer_until = now + limits_.playback_deadline;
  Command command = make(held ? Command::Kind::kResume : Command::Kind::kUnduck, state_.reply);
  command.overlap = what;
  out.push_back(command);
}

void TurnMachine::on_overlap(const Event& event, Commands& out) {
  if (phase() != Phase::kHeld || state_.overlap == 0 || event.generation != state_.overlap) return;
  state_.overlap = 0;
  if (event.overlap == Overlap::kInterruption) return interrupt(event.now, out);
  if (!state_.voice || event.overlap == Overlap::kEcho) return resume(event.now, event.overlap, out);
  state_.judge_at = event.now + limits_.judge_after;  // they are still at it
}

void TurnMachine::interrupt(Ms now, Commands& out) {
  if (!state_.draining) out.push_back(make(Command::Kind::kOverlapIsTurn, 0, state_.overlap_since));
  end_reply(ReplyEnd::kInterrupted, out);
  if (state_.draining) return close(out);
  state_.phase = Phase::kHearing;
  state_.utterance_since = now;
  state_.last_frame = std::max(state_.last_frame, now);
  if (!state_.voice) begin_draft(state_.voiced_until, limits_.longest_wait, out);
}

// --- The client ----------------------------------------------------------------------------------------------------

void TurnMachine::on_text(const Event& event, Commands& out) {
  if (state_.draining) return;
  if (phase() == Phase::kPaused) drop_draft(out);
  if (phase() == Phase::kPaused || phase() == Phase::kHearing) out.push_back(make(Command::Kind::kDropUtterance));
  if (answering()) end_reply(ReplyEnd::kInterrupted, out);
  state_.spoken = false;
  state_.draft_audio = state_.draft_done = state_.draft_failed = false;
  const Generation generation = ++state_.last_generation;
  commit(event.now, generation, out);
  out.push_back(make(Command::Kind::kStartReply, generation));
}

/// An answer to what is remembered, not to something that was said now.
void TurnMachine::respond(Ms now, Commands& out) {
  state_.spoken = false;
  state_.draft_audio = state_.draft_done = state_.draft_failed = false;
  const Generation generation = ++state_.last_generation;
  commit(now, generation, out);
  out.push_back(make(Command::Kind::kStartReply, generation));
}

void TurnMachine::on_respond(const Event& event, Commands& out) {
  if (state_.draining) return;
  if (phase() == Phase::kListening) return respond(event.now, out);
  if (phase() != Phase::kHearing && phase() != Phase::kPaused) return;  // one answer at a time
  // Whoever is speaking is not cut off, and gets one answer, not two.
  state_.asked = true;
  if (phase() == Phase::kHearing) return;
  drop_draft(out);
  begin_draft(state_.voiced_until, state_.wait, out);  // the one before did not know what it is asked for
}

void TurnMachine::on_commit(const Event& event, Commands& out) {
  if (phase() == Phase::kHearing) {
    state_.voice = false;
    begin_draft(event.now, 0, out);
  } else if (phase() == Phase::kPaused) {
    state_.wait = 0;
    try_commit(event.now, out);
  }
}

void TurnMachine::on_forget(const Event& event, Commands& out) {
  if (phase() != Phase::kHearing && phase() != Phase::kPaused) return;
  if (phase() == Phase::kPaused) drop_draft(out);
  state_.voice = false;  // the rest of it is not meant either
  out.push_back(make(Command::Kind::kDropUtterance));
  settle(event.now, out);
}

void TurnMachine::on_cancel(const Event& event, Commands& out) {
  state_.asked = false;
  if (!answering()) return;
  const bool they_speak = overlapping() && state_.voice;
  end_reply(ReplyEnd::kCancelled, out);
  if (they_speak && !state_.draining) {
    out.push_back(make(Command::Kind::kOverlapIsTurn, 0, state_.overlap_since));
    state_.phase = Phase::kHearing;
    state_.utterance_since = event.now;
    state_.last_frame = std::max(state_.last_frame, event.now);
  } else {
    settle(event.now, out);
  }
}

void TurnMachine::on_shutdown(const Event& event, Commands& out) {
  if (state_.draining) return;
  state_.draining = true;
  state_.drain_until = event.now + limits_.drain_deadline;
  if (phase() == Phase::kListening) return close(out);
  on_commit(event, out);  // what was being said is answered, not lost
}

void TurnMachine::on_gone(Commands& out) {
  if (phase() == Phase::kPaused) drop_draft(out);
  if (answering()) end_reply(ReplyEnd::kCancelled, out);
  close(out);
}

// --- Time ----------------------------------------------------------------------------------------------------------

void TurnMachine::on_tick(Ms now, Commands& out) {
  if (state_.draining && now >= state_.drain_until) return on_gone(out);
  switch (phase()) {
    case Phase::kListening:
      if (state_.idle_since < 0 || limits_.idle_prompt_after == 0) break;
      if (now < state_.idle_since + limits_.idle_prompt_after) break;
      state_.idle_since = -1;
      out.push_back(make(Command::Kind::kIdlePrompt));
      break;
    case Phase::kHearing:
      if (now >= state_.last_frame + limits_.stalled_audio) {
        state_.voice = false;
        begin_draft(state_.last_frame, limits_.longest_wait, out);
        try_commit(now, out);
      } else if (now >= state_.utterance_since + limits_.longest_turn) {
        begin_draft(now, 0, out);
        try_commit(now, out);
      }
      break;
    case Phase::kPaused:
      try_commit(now, out);
      break;
    case Phase::kThinking:
    case Phase::kSpeaking:
      tick_answer(now, out);
      break;
    case Phase::kDucked:
    case Phase::kHeld:
      tick_overlap(now, out);
      break;
    case Phase::kClosed:
      break;
  }
}

void TurnMachine::tick_answer(Ms now, Commands& out) {
  if (now >= state_.answer_until) return fail_reply(now, out);
  if (phase() == Phase::kThinking && state_.filler_due && now >= state_.committed_at + limits_.filler_after) {
    state_.filler_due = false;
    out.push_back(make(Command::Kind::kFiller, state_.reply));
  }
}

void TurnMachine::tick_overlap(Ms now, Commands& out) {
  if (phase() == Phase::kDucked) {
    if (!state_.overlap_is_speech) {
      if (now >= state_.overlap_since + limits_.duck_doubt) resume(now, Overlap::kNothing, out);
      return;
    }
    if (now < state_.overlap_since + limits_.hold_after) return;
    state_.phase = Phase::kHeld;
    state_.judge_at = state_.overlap_since + limits_.judge_after;
    state_.held_until = now + limits_.held_deadline;
    out.push_back(make(Command::Kind::kHold, state_.reply));
    return;
  }
  if (now >= state_.held_until) {
    state_.voice ? interrupt(now, out) : resume(now, Overlap::kNothing, out);
    return;
  }
  if (state_.voice && state_.overlap == 0 && now >= state_.judge_at) {
    state_.overlap = ++state_.last_generation;
    out.push_back(make(Command::Kind::kJudgeOverlap, state_.overlap, state_.overlap_since));
  }
}

}  // namespace morgan::dialogue::live
