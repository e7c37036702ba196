// Every interleaving of events, to a bounded depth, on the real state machine; and a million random schedules.
// States that can only behave alike are visited once: times count relative to now, generations relative to the
// newest, so what is explored is larger than the number of visits says.
#include "dialogue/live/turn_auditor.h"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <random>
#include <set>

namespace morgan::dialogue::live {
namespace {

constexpr Ms kStart = 100'000;

TurnLimits small_limits() {
  TurnLimits limits;
  limits.filler_after = 2'000;
  limits.idle_prompt_after = 20'000;
  return limits;
}

struct World {
  explicit World(bool answer_turns = true) : machine(limits_of(answer_turns)) {}
  static TurnLimits limits_of(bool answer_turns) {
    TurnLimits limits = small_limits();
    limits.answer_turns = answer_turns;
    return limits;
  }

  TurnMachine machine;
  TurnAuditor auditor;
  Ms now = kStart;
  Ms last_voiced = kStart;

  void apply(Event event) {
    event.now = now;
    auditor.see(event, machine.on(event), machine);
  }

  // What distinguishes this world from another in what may follow.
  auto key() const {
    const TurnState& s = machine.state();
    // Beyond a minute in the future or the past, no limit tells two times apart.
    const auto age = [this](Ms when) {
      return when < 0 ? Ms{-1'000'000} : std::clamp<Ms>(when - now, -60'000, 100'000);
    };
    const auto place = [&s](Generation g) { return g == 0 ? Generation{-1} : s.last_generation - g; };
    return std::tuple(
        std::tuple(s.phase, s.voice, s.spoken, s.heard, s.draft_audio, s.draft_done, s.draft_failed, s.draft_answered,
                   s.reply_done, s.reply_failed, s.filler_due, s.overlap_is_speech, s.asked, s.draining),
        std::tuple(age(s.utterance_since), age(s.last_frame), age(s.voiced_until), s.wait, age(s.transcript_until),
                   age(s.committed_at), age(s.answer_until), age(s.overlap_since), age(s.judge_at), age(s.held_until),
                   age(s.idle_since), age(s.drain_until), s.phase == Phase::kPaused ? age(s.doubt_until) : 0),
        std::tuple(place(s.draft), place(s.reply), place(s.overlap)), auditor.key());
  }
};

using Kind = Event::Kind;

// Whatever the outside may tell the machine next, sensible or not: answers of the generation that is waited for, of
// an older one and of one that never was; time that passes a little, to the deadline, or far beyond it.
std::vector<std::pair<Event, Ms>> possible_events(const World& world) {
  std::vector<std::pair<Event, Ms>> events;
  const auto add = [&](Event event, Ms step = 0) { events.emplace_back(event, step); };
  const auto plain = [](Kind kind) {
    Event event;
    event.kind = kind;
    return event;
  };
  const TurnState& s = world.machine.state();
  for (const Kind kind : {Kind::kMaybeSpeech, Kind::kSpeech, Kind::kPause}) {
    Event event = plain(kind);
    event.at = world.now;
    add(event);
  }
  for (const Kind kind :
       {Kind::kText, Kind::kRespond, Kind::kCommit, Kind::kForget, Kind::kCancel, Kind::kShutdown, Kind::kGone})
    add(plain(kind));
  for (const Ms step : {Ms{32}, Ms{400}})
    add(plain(Kind::kFrame), step);
  add(plain(Kind::kTick), 120'000);
  if (const Ms due = world.machine.deadline(); due >= world.now) add(plain(Kind::kTick), due - world.now);

  std::set<Generation> generations{s.draft, s.reply, s.overlap, s.last_generation - 1, s.last_generation + 5};
  for (const Generation generation : generations) {
    if (generation <= 0) continue;
    for (const bool flag : {false, true}) {
      for (const Kind kind : {Kind::kTranscript, Kind::kReplyDone}) {
        Event event = plain(kind);
        event.generation = generation;
        event.flag = flag;
        add(event);
      }
    }
    for (const Kind kind : {Kind::kTranscriptFailed, Kind::kReplyAudio, Kind::kPlayed, Kind::kPlaybackDone}) {
      Event event = plain(kind);
      event.generation = generation;
      add(event);
    }
    for (const Ms wait : {Ms{160}, Ms{5'000}}) {
      Event event = plain(Kind::kWait);
      event.generation = generation;
      event.value = wait;
      add(event);
    }
    for (const Overlap overlap : {Overlap::kNothing, Overlap::kEcho, Overlap::kInterruption}) {
      Event event = plain(Kind::kOverlap);
      event.generation = generation;
      event.overlap = overlap;
      add(event);
    }
  }
  return events;
}

// With nothing more from outside but time, the machine must come to rest: no state is a trap.
void expect_rest(World world) {
  for (int ticks = 0; ticks < 64; ++ticks) {
    const Phase phase = world.machine.phase();
    if (phase == Phase::kClosed || (phase == Phase::kListening && world.machine.deadline() < 0)) return;
    const Ms due = world.machine.deadline();
    ASSERT_GE(due, 0) << to_string(phase);
    world.now = std::max(world.now + 1, due);
    Event tick;
    world.apply(tick);
    ASSERT_EQ(world.auditor.violation(), "");
    // Somebody who speaks on without an end would keep it busy for ever.
    if (world.machine.state().voice) {
      Event pause;
      pause.kind = Kind::kPause;
      pause.at = world.now;
      world.apply(pause);
    }
  }
  FAIL() << "stuck in " << to_string(world.machine.phase());
}

// However it goes on, a client that leaves now leaves nothing open.
void expect_clean_end(World world) {
  Event gone;
  gone.kind = Kind::kGone;
  world.apply(gone);
  ASSERT_EQ(world.auditor.violation(), "");
  ASSERT_TRUE(world.auditor.closed());
  ASSERT_EQ(world.auditor.open_reply(), 0);
}

// @param expected  number of phases that must be reached
void explore(const World& start, int most, std::size_t expected) {
  std::set<decltype(World().key())> seen;
  std::deque<std::pair<World, int>> frontier;
  frontier.emplace_back(start, 0);
  seen.insert(start.key());
  std::size_t transitions = 0;
  std::set<Phase> phases;
  while (!frontier.empty()) {
    const auto [world, depth] = frontier.front();
    frontier.pop_front();
    phases.insert(world.machine.phase());
    expect_clean_end(world);
    expect_rest(world);
    if (::testing::Test::HasFatalFailure()) return;
    if (depth == most) continue;
    for (const auto& [event, step] : possible_events(world)) {
      World next = world;
      next.now += step;
      next.apply(event);
      ++transitions;
      ASSERT_EQ(next.auditor.violation(), "")
          << "after event " << static_cast<int>(event.kind) << " in " << to_string(world.machine.phase());
      if (seen.insert(next.key()).second) frontier.emplace_back(std::move(next), depth + 1);
    }
  }
  EXPECT_EQ(phases.size(), expected) << "a phase that no sequence of " << most << " events reaches";
  ::testing::Test::RecordProperty("states", static_cast<int>(seen.size()));
  ::testing::Test::RecordProperty("transitions", static_cast<int>(transitions));
  std::cout << seen.size() << " states, " << transitions << " transitions\n";
}

TEST(TurnMachineExploration, EveryInterleavingToTheDepthKeepsTheRules) {
  explore(World(), 7, 8);
}

TEST(TurnMachineExploration, SoItIsWhenTheClientAsksForAnswers) {
  explore(World(false), 6, 8);
}

// A schedule as a conversation might make it: speech of random lengths, engines that answer late, early, never or
// with an error, clients that type, cancel and leave.
class RandomSchedule {
 public:
  explicit RandomSchedule(std::uint32_t seed) : random_(seed), world_(seed % 4 != 0) {}

  std::string run(int events) {
    for (int i = 0; i < events && world_.machine.phase() != Phase::kClosed; ++i) {
      world_.now += pick(5) == 0 ? pick(3'000) : pick(80);
      world_.apply(next());
      if (!world_.auditor.violation().empty()) return world_.auditor.violation();
    }
    Event gone;
    gone.kind = Kind::kGone;
    world_.apply(gone);
    if (!world_.auditor.violation().empty()) return world_.auditor.violation();
    return world_.auditor.open_reply() == 0 ? "" : "an answer without an end";
  }

 private:
  Ms pick(int below) { return static_cast<Ms>(random_() % static_cast<std::uint32_t>(below)); }

  Event next() {
    static constexpr std::array kLikely{Kind::kFrame,      Kind::kFrame,      Kind::kFrame,  Kind::kMaybeSpeech,
                                        Kind::kSpeech,     Kind::kSpeech,     Kind::kPause,  Kind::kPause,
                                        Kind::kTranscript, Kind::kTranscript, Kind::kWait,   Kind::kReplyAudio,
                                        Kind::kReplyAudio, Kind::kReplyDone,  Kind::kPlayed, Kind::kPlaybackDone,
                                        Kind::kOverlap,    Kind::kTick,       Kind::kTick,   Kind::kTick};
    static constexpr std::array kRare{Kind::kText,   Kind::kRespond, Kind::kCommit,
                                      Kind::kForget, Kind::kCancel,  Kind::kTranscriptFailed};
    Event event;
    event.kind = pick(12) == 0 ? kRare[static_cast<std::size_t>(pick(6))] : kLikely[static_cast<std::size_t>(pick(20))];
    if (pick(200) == 0) event.kind = Kind::kShutdown;
    event.at = world_.now - pick(60);
    const TurnState& s = world_.machine.state();
    const std::array generations{s.draft, s.reply, s.overlap, s.last_generation, s.last_generation - 1};
    event.generation = generations[static_cast<std::size_t>(pick(5))];
    event.value = 100 + pick(1'500);
    event.flag = pick(5) != 0;
    event.overlap = static_cast<Overlap>(pick(4));
    return event;
  }

  std::mt19937 random_;
  World world_;
};

TEST(TurnMachineExploration, AMillionRandomSchedulesKeepTheRules) {
  constexpr std::uint32_t kSchedules = 1'000'000;
  for (std::uint32_t seed = 0; seed < kSchedules; ++seed) {
    const std::string violation = RandomSchedule(seed).run(40);
    ASSERT_EQ(violation, "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace morgan::dialogue::live
