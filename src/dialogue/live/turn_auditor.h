// What must hold of a conversation whatever happens: watches the commands of a TurnMachine from outside, for the
// tests that explore it. Test code.
#pragma once

#include "dialogue/live/turn_machine.h"

#include <algorithm>
#include <string>
#include <tuple>

namespace morgan::dialogue::live {

/// Follows the answers by the commands alone. violation() names the first rule that was broken.
class TurnAuditor {
 public:
  void see(const Event& event, const std::vector<Command>& commands, const TurnMachine& machine) {
    for (const Command& command : commands)
      see(command);
    check(machine.phase() != Phase::kClosed || closed_, "closed without kClose");
    const bool answering = open_ != 0;
    const bool said_so = machine.phase() == Phase::kThinking || machine.phase() == Phase::kSpeaking ||
                         machine.phase() == Phase::kDucked || machine.phase() == Phase::kHeld;
    check(answering == said_so, "an answer is open outside the phases of an answer, or none inside");
    check(gate_ == (said_so && machine.phase() != Phase::kThinking), "the gate and the phase differ");
    check(drafting_ == (machine.phase() == Phase::kPaused), "a draft lives outside kPaused");
    check(quiet_ == quiet_in(machine.phase()), "loudness and phase differ");
    const bool waits = machine.phase() != Phase::kListening && machine.phase() != Phase::kClosed;
    check(!waits || machine.deadline() >= 0, "a phase without a deadline");
    check(event.now >= 0, "time runs backwards");
  }

  const std::string& violation() const { return violation_; }
  Generation open_reply() const { return open_; }
  bool closed() const { return closed_; }

  /// Equal auditors judge the future alike.
  auto key() const { return std::tuple(open_ != 0, gate_, drafting_, started_, quiet_, closed_); }

 private:
  enum class Quiet : std::uint8_t { kNo, kDucked, kHeld };

  static Quiet quiet_in(Phase phase) {
    if (phase == Phase::kDucked) return Quiet::kDucked;
    return phase == Phase::kHeld ? Quiet::kHeld : Quiet::kNo;
  }

  void check(bool holds, const char* rule) {
    if (!holds && violation_.empty()) violation_ = rule;
  }

  void see(const Command& command) {
    using Kind = Command::Kind;
    check(!closed_, "a command after kClose");
    switch (command.kind) {
      case Kind::kDraft:
        check(!drafting_ && open_ == 0, "a draft beside another, or beside an answer");
        check(command.generation > newest_, "a generation that is not new");
        newest_ = draft_ = command.generation;
        drafting_ = true;
        started_ = false;
        break;
      case Kind::kDropDraft:
        check(drafting_ && command.generation == draft_, "dropped a draft that is not there");
        drafting_ = started_ = false;
        break;
      case Kind::kStartReply:
        check(!started_, "the same answer started twice");
        check(command.generation == (drafting_ ? draft_ : open_), "started an answer of another generation");
        started_ = drafting_;
        break;
      case Kind::kCommit:
        check(open_ == 0, "a commit before the end of the answer before it");
        check(command.generation > committed_, "committed an old generation");
        check(!drafting_ || (command.generation == draft_ && started_), "committed a draft that has no words");
        check(drafting_ || command.generation > newest_, "committed what was no draft");
        committed_ = open_ = command.generation;
        newest_ = std::max(newest_, committed_);
        drafting_ = started_ = false;
        break;
      case Kind::kEndTurn:
        check(drafting_ && command.generation == draft_ && !started_, "ended a turn whose answer is being made");
        drafting_ = false;
        break;
      case Kind::kOpenGate:
        check(open_ != 0 && command.generation == open_ && !gate_, "opened the gate for what was not committed");
        gate_ = true;
        break;
      case Kind::kEndReply:
        check(open_ != 0 && command.generation == open_, "ended what was not open: an end is missing or doubled");
        open_ = 0;
        gate_ = false;
        quiet_ = Quiet::kNo;
        break;
      case Kind::kDuck:
        check(gate_ && quiet_ == Quiet::kNo, "ducked silence");
        quiet_ = Quiet::kDucked;
        break;
      case Kind::kUnduck:
        check(gate_ && quiet_ == Quiet::kDucked, "unducked what was not ducked");
        quiet_ = Quiet::kNo;
        break;
      case Kind::kHold:
        check(gate_ && quiet_ == Quiet::kDucked, "held what was not ducked");
        quiet_ = Quiet::kHeld;
        break;
      case Kind::kResume:
        check(gate_ && quiet_ == Quiet::kHeld, "resumed what was not held");
        quiet_ = Quiet::kNo;
        break;
      case Kind::kJudgeOverlap:
        check(quiet_ == Quiet::kHeld, "judged what is no overlap");
        newest_ = std::max(newest_, command.generation);
        break;
      case Kind::kFiller:
        check(open_ != 0 && !gate_, "a filler into an answer");
        break;
      case Kind::kIdlePrompt:
        check(open_ == 0 && !drafting_, "an idle prompt into a turn");
        break;
      case Kind::kClose:
        check(open_ == 0 && !drafting_, "closed with an answer that has no end");
        closed_ = true;
        break;
      case Kind::kBeginUtterance:
      case Kind::kDropUtterance:
      case Kind::kOverlapIsTurn:
      case Kind::kApologize:
        break;
    }
  }

  Generation newest_ = 0;
  Generation committed_ = 0;
  Generation open_ = 0;
  Generation draft_ = 0;
  bool drafting_ = false;
  bool started_ = false;
  bool gate_ = false;
  Quiet quiet_ = Quiet::kNo;
  bool closed_ = false;
  std::string violation_;
};

}  // namespace morgan::dialogue::live
