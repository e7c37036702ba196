#include "dialogue/live/turn_trace.h"

#include <gtest/gtest.h>

#include <random>

namespace morgan::dialogue::live {
namespace {

using std::chrono::microseconds;

TurnTrace begun() {
  TurnTrace trace;
  trace.speech_end = runtime::TimePoint{} + std::chrono::hours(2);
  return trace;
}

double sum_of(const OrderedJson& json) {
  double sum = 0;
  for (const auto& stage : json["stages"])
    sum += stage["ms"].get<double>();
  return sum;
}

TEST(TurnTrace, WhateverTheOrderItsStagesAddUp) {
  std::mt19937 random(7);
  for (int round = 0; round < 2'000; ++round) {
    TurnTrace trace = begun();
    double last = 0;
    for (std::size_t i = 0; i < kTurnStages; ++i) {
      if (random() % 4 == 0) continue;  // not reached
      const auto stage = static_cast<TurnStage>(i);
      trace.mark(stage, trace.speech_end + microseconds(static_cast<int>(random() % 3'000'000) - 200'000));
      last = std::max(last, trace.ms(stage));
    }
    const OrderedJson json = trace.to_json();
    EXPECT_NEAR(sum_of(json), json["total_ms"].get<double>(), 0.01) << json.dump();
    EXPECT_NEAR(json["total_ms"].get<double>(), last, 0.051);
    for (const auto& stage : json["stages"])
      EXPECT_GE(stage["ms"].get<double>(), 0) << json.dump();
  }
}

TEST(TurnTrace, WhatWasReadyBeforeTheDecisionTakesNoTimeAfterIt) {
  TurnTrace trace = begun();
  trace.mark(TurnStage::kPauseSeen, trace.speech_end + microseconds(48'000));
  trace.mark(TurnStage::kDecision, trace.speech_end + microseconds(400'000));
  trace.mark(TurnStage::kTranscript, trace.speech_end + microseconds(248'000));
  trace.mark(TurnStage::kSent, trace.speech_end + microseconds(401'000));
  const OrderedJson json = trace.to_json();
  ASSERT_EQ(json["stages"].size(), 4U);
  EXPECT_EQ(json["stages"][0]["name"], "pause_seen");
  EXPECT_EQ(json["stages"][1]["name"], "transcript");
  EXPECT_EQ(json["stages"][1]["ms"], 200.0);
  EXPECT_EQ(json["stages"][2]["name"], "decision");
  EXPECT_EQ(json["stages"][2]["ms"], 152.0);
  EXPECT_EQ(json["stages"][3]["ms"], 1.0);
  EXPECT_EQ(json["total_ms"], 401.0);
}

TEST(TurnTrace, OnlyTheFirstMarkCounts) {
  TurnTrace trace = begun();
  EXPECT_LT(trace.ms(TurnStage::kSent), 0);
  trace.mark(TurnStage::kSent, trace.speech_end + microseconds(5'000));
  trace.mark(TurnStage::kSent, trace.speech_end + microseconds(9'000));
  EXPECT_DOUBLE_EQ(trace.ms(TurnStage::kSent), 5);
}

TEST(TurnLog, KeepsTheNewestOfEveryoneAndOfEach) {
  TurnLog log;
  for (int i = 0; i < 300; ++i)
    log.add(OrderedJson{{"turn", i}, {"user_id", i % 2 == 0 ? "ann" : "bob"}});
  const auto all = log.recent(1'000, "");
  ASSERT_EQ(all.size(), TurnLog::kKept);
  EXPECT_EQ(all.front()["turn"], 299);
  const auto bobs = log.recent(3, "bob");
  ASSERT_EQ(bobs.size(), 3U);
  EXPECT_EQ(bobs[0]["turn"], 299);
  EXPECT_EQ(bobs[2]["turn"], 295);
  EXPECT_TRUE(log.recent(3, "eve").empty());
}

}  // namespace
}  // namespace morgan::dialogue::live
