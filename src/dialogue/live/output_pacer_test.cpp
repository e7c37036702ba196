#include "dialogue/live/output_pacer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace morgan::dialogue::live {
namespace {

using runtime::TimePoint;
using std::chrono::milliseconds;

constexpr int kRate = 22'050;

/// A pacer with a clock, and a client that keeps what it got.
class Player {
 public:
  explicit Player(int rate_hz = kRate) : rate_hz_(rate_hz) { pacer.begin(rate_hz); }

  void take() {
    for (const OutputChunk& chunk : pacer.due(now)) {
      EXPECT_EQ(chunk.first_sample, got.size()) << "a sample twice, or lost";
      EXPECT_FALSE(chunk.samples.empty());
      for (const HeardWord& word : chunk.words) {
        EXPECT_GE(word.begin_sample + 1, chunk.first_sample);
        words.push_back(word.text);
      }
      got.insert(got.end(), chunk.samples.begin(), chunk.samples.end());
    }
    EXPECT_EQ(pacer.sent(), got.size());
  }

  /// As the session does: wakes when the pacer says.
  void run(milliseconds duration) {
    const TimePoint end = now + duration;
    take();
    for (int wakes = 0;; ++wakes) {
      ASSERT_LT(wakes, 100'000) << "woken for ever";
      const auto next = pacer.next_due();
      if (!next || *next > end) break;
      ASSERT_TRUE(*next > now || wakes == 0) << "woken at once, again";
      now = std::max(now, *next);
      take();
    }
    now = end;
  }

  std::size_t samples(milliseconds span) const {
    return static_cast<std::size_t>(span.count()) * static_cast<std::size_t>(rate_hz_) / 1000;
  }

  OutputPacer pacer{PacerOptions{}};
  TimePoint now = TimePoint{} + std::chrono::hours(1);
  std::vector<float> got;
  std::vector<std::string> words;

 private:
  int rate_hz_;
};

std::vector<float> tone(std::size_t count) {
  return std::vector<float>(count, 0.5F);
}

/// Counts up, so that each sample can be known again while the gain is 1.
std::vector<float> counting(std::size_t count, std::size_t from = 0) {
  std::vector<float> samples(count);
  std::iota(samples.begin(), samples.end(), static_cast<float>(from));
  return samples;
}

TEST(OutputPacer, SendsTheLeadAtOnceAndThenAtThePaceOfHearing) {
  Player player;
  player.pacer.add_audio(counting(kRate * 3), {});
  player.run(milliseconds(0));
  EXPECT_NEAR(static_cast<double>(player.got.size()), static_cast<double>(player.samples(milliseconds(120))), 441);
  player.run(milliseconds(1'000));
  EXPECT_NEAR(static_cast<double>(player.got.size()), static_cast<double>(player.samples(milliseconds(1'120))), 450);
  player.pacer.finish();
  player.run(milliseconds(2'500));
  EXPECT_EQ(player.got, counting(kRate * 3));
  EXPECT_TRUE(player.pacer.done(player.now));
}

TEST(OutputPacer, WakesOnlyWhenThereIsSomethingToSend) {
  // Pieces of odd lengths at odd rates, late and early: run() fails where a wake is for nothing.
  for (const int rate : {16'000, 22'050, 24'000, 44'100}) {
    Player player(rate);
    std::size_t made = 0;
    for (const std::size_t piece : {333U, 1U, 5'000U, 441U, 220U, 7'777U}) {
      player.pacer.add_audio(counting(piece, made), {});
      made += piece;
      player.run(milliseconds(37));
      player.run(milliseconds(3));
    }
    player.pacer.finish();
    player.run(milliseconds(1'500));
    EXPECT_EQ(player.got, counting(made)) << rate;
  }
}

TEST(OutputPacer, NeverGetsAheadOfTheListenerByMoreThanTheLead) {
  Player player;
  player.pacer.add_audio(counting(kRate * 5), {});
  for (int i = 0; i < 100; ++i) {
    player.run(milliseconds(33));
    const std::size_t ahead = player.got.size() - player.pacer.played(player.now);
    EXPECT_LE(ahead, player.samples(milliseconds(120 + 21)));
  }
}

TEST(OutputPacer, AVoiceThatIsMadeTooSlowlyMovesTheClock) {
  Player player;
  player.pacer.add_audio(counting(2'205), {});
  player.run(milliseconds(1'000));
  const std::size_t heard = player.pacer.played(player.now);
  EXPECT_LE(heard, 2'205U);
  player.pacer.add_audio(counting(kRate, 2'205), {});
  player.run(milliseconds(0));
  // What comes now is heard from now on, not a second ago.
  EXPECT_LE(player.got.size(), 2'205 + player.samples(milliseconds(141)));
  player.pacer.finish();
  player.run(milliseconds(2'000));
  EXPECT_EQ(player.got, counting(kRate + 2'205));
}

TEST(OutputPacer, HoldStopsAndResumeContinuesWithTheExactSample) {
  Player player;
  player.pacer.add_audio(counting(kRate * 3), {});
  player.pacer.finish();
  player.run(milliseconds(707));
  player.pacer.hold(player.now);
  const std::size_t held_at = player.pacer.sent();
  const std::size_t heard = player.pacer.played(player.now);
  EXPECT_FALSE(player.pacer.next_due());
  player.run(milliseconds(5'000));
  EXPECT_EQ(player.pacer.sent(), held_at);
  EXPECT_EQ(player.pacer.played(player.now), heard) << "nothing is heard meanwhile";
  EXPECT_FALSE(player.pacer.done(player.now));
  player.pacer.resume(player.now);
  EXPECT_EQ(player.pacer.played(player.now), heard);
  player.run(milliseconds(3'000));
  EXPECT_EQ(player.got, counting(kRate * 3));
}

TEST(OutputPacer, HeldBeforeTheFirstSampleItLosesNothing) {
  Player player;
  player.pacer.hold(player.now);
  player.pacer.add_audio(counting(4'410), {});
  player.pacer.finish();
  player.run(milliseconds(400));
  EXPECT_TRUE(player.got.empty());
  player.pacer.resume(player.now);
  player.run(milliseconds(400));
  EXPECT_EQ(player.got, counting(4'410));
  EXPECT_TRUE(player.pacer.done(player.now));
}

// What the listener's loudspeaker does: chunk after chunk, with what was kept over the hold. No step anywhere.
TEST(OutputPacer, LoudnessMovesWithoutAStep) {
  Player player;
  player.pacer.add_audio(tone(kRate * 4), {});
  player.run(milliseconds(500));
  player.pacer.duck();
  player.run(milliseconds(300));
  player.pacer.unduck();
  player.run(milliseconds(300));
  player.pacer.duck();
  player.run(milliseconds(150));
  player.pacer.hold(player.now);
  player.run(milliseconds(300));
  player.pacer.resume(player.now);
  player.run(milliseconds(500));
  float largest = 0;
  float quietest = 1;
  for (std::size_t i = 1; i < player.got.size(); ++i) {
    largest = std::max(largest, std::abs(player.got[i] - player.got[i - 1]));
    quietest = std::min(quietest, player.got[i]);
  }
  EXPECT_LE(largest, 0.5F / (0.014F * kRate));
  EXPECT_NEAR(quietest, 0.5F * PacerOptions{}.duck_gain, 1e-4);
  EXPECT_NEAR(player.got.back(), 0.5F, 1e-6);
}

TEST(OutputPacer, DuckingIsHeardWithinTheLead) {
  Player player;
  player.pacer.add_audio(tone(kRate * 2), {});
  player.run(milliseconds(500));
  const std::size_t sent = player.pacer.sent();
  player.pacer.duck();
  player.run(milliseconds(200));
  EXPECT_NEAR(player.got[sent + player.samples(milliseconds(16))], 0.5F * PacerOptions{}.duck_gain, 1e-4);
}

TEST(OutputPacer, WhatThePlayerReportsReplacesTheClock) {
  Player player;
  player.pacer.add_audio(counting(kRate * 3), {});
  player.run(milliseconds(1'000));
  const std::size_t by_clock = player.pacer.played(player.now);
  player.pacer.report_played(by_clock - 4'000, player.now);
  EXPECT_NEAR(static_cast<double>(player.pacer.played(player.now)), static_cast<double>(by_clock - 4'000), 1);
  player.run(milliseconds(100));
  EXPECT_NEAR(static_cast<double>(player.pacer.played(player.now)),
              static_cast<double>(by_clock - 4'000 + player.samples(milliseconds(100))), 2);
  // Nobody has heard what was not sent, and nobody unhears.
  const std::size_t before = player.pacer.played(player.now);
  player.pacer.report_played(player.pacer.sent() + 1, player.now);
  player.pacer.report_played(3, player.now);
  EXPECT_EQ(player.pacer.played(player.now), before);
}

TEST(OutputPacer, AReportWhileHeldHolds) {
  Player player;
  player.pacer.add_audio(counting(kRate * 2), {});
  player.run(milliseconds(500));
  player.pacer.hold(player.now);
  player.run(milliseconds(200));
  player.pacer.report_played(9'000, player.now);
  player.run(milliseconds(2'000));
  EXPECT_NEAR(static_cast<double>(player.pacer.played(player.now)), 9'000, 1);
  player.pacer.resume(player.now);
  EXPECT_NEAR(static_cast<double>(player.pacer.played(player.now)), 9'000, 1);
}

TEST(OutputPacer, ItIsDoneWhenTheLastSampleWasHeard) {
  Player player;
  player.pacer.add_audio(counting(kRate), {});
  player.run(milliseconds(1'500));
  EXPECT_FALSE(player.pacer.done(player.now)) << "more may come";
  EXPECT_FALSE(player.pacer.done_at());
  player.pacer.add_audio(counting(kRate, kRate), {});
  player.pacer.finish();
  player.run(milliseconds(900));
  const auto done_at = player.pacer.done_at();
  ASSERT_TRUE(done_at);
  EXPECT_FALSE(player.pacer.done(*done_at - milliseconds(1)));
  EXPECT_TRUE(player.pacer.done(*done_at));
  EXPECT_EQ(player.pacer.played(*done_at), static_cast<std::size_t>(kRate) * 2);
}

TEST(OutputPacer, AnAnswerWithoutSoundIsDoneAtOnce) {
  Player player;
  player.pacer.finish();
  EXPECT_TRUE(player.pacer.done(player.now));
}

TEST(OutputPacer, ANewAnswerForgetsTheOneBefore) {
  Player player;
  player.pacer.add_piece("Old.");
  player.pacer.add_audio(counting(9'000), {{"Old.", 4, 0, 9'000}});
  player.run(milliseconds(300));
  player.pacer.duck();
  player.pacer.hold(player.now);
  player.pacer.begin(24'000);
  player.got.clear();
  EXPECT_EQ(player.pacer.queued(), 0U);
  EXPECT_EQ(player.pacer.sent(), 0U);
  EXPECT_EQ(player.pacer.played(player.now), 0U);
  EXPECT_EQ(player.pacer.heard_text(1'000'000), "");
  player.pacer.add_audio(counting(2'400), {});
  player.pacer.finish();
  player.take();
  EXPECT_EQ(player.got, counting(2'400)) << "neither held nor quiet";
}

// Two pieces of four words, each word 1000 samples.
OutputPacer spoken() {
  OutputPacer pacer{PacerOptions{}};
  pacer.begin(kRate);
  pacer.add_piece("It is noon.");
  pacer.add_audio(tone(3'000), {{"It", 2, 0, 1'000}, {"is", 5, 1'000, 2'000}, {"noon.", 11, 2'000, 3'000}});
  pacer.add_piece("Time for lunch!");
  pacer.add_audio(tone(1'000), {{"Time", 4, 0, 1'000}});
  pacer.add_audio(tone(2'000), {{"for", 8, 0, 1'000}, {"lunch!", 15, 1'000, 2'000}});
  return pacer;
}

TEST(OutputPacer, KnowsToTheWordWhatWasHeard) {
  const OutputPacer pacer = spoken();
  EXPECT_EQ(pacer.heard_text(0), "");
  EXPECT_EQ(pacer.heard_text(499), "") << "less than half a word";
  EXPECT_EQ(pacer.heard_text(500), "It");
  EXPECT_EQ(pacer.heard_text(1'499), "It");
  EXPECT_EQ(pacer.heard_text(1'500), "It is");
  EXPECT_EQ(pacer.heard_text(3'000), "It is noon.");
  EXPECT_EQ(pacer.heard_text(3'500), "It is noon. Time");
  EXPECT_EQ(pacer.heard_text(5'499), "It is noon. Time for");
  EXPECT_EQ(pacer.heard_text(6'000), "It is noon. Time for lunch!");
  EXPECT_EQ(pacer.heard_text(60'000), "It is noon. Time for lunch!");
}

TEST(OutputPacer, KnowsWhatWasSaidOfLate) {
  const OutputPacer pacer = spoken();
  EXPECT_EQ(pacer.recent_text(2'500, milliseconds(6'000)), "It is noon.");
  EXPECT_EQ(pacer.recent_text(6'000, milliseconds(90)), "for lunch!");
}

TEST(OutputPacer, EachWordComesWithTheChunkInWhichItBegins) {
  Player player;
  player.pacer = spoken();
  player.pacer.finish();
  player.run(milliseconds(1'000));
  EXPECT_EQ(player.words, (std::vector<std::string>{"It", "is", "noon.", "Time", "for", "lunch!"}));
}

}  // namespace
}  // namespace morgan::dialogue::live
