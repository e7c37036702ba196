#include "cli/live/live_log.h"

#include "cli/live/spread.h"

#include <gtest/gtest.h>

#include <cmath>

namespace morgan::cli {
namespace {

constexpr int kRate = 16000;

Time at_ms(int ms) {
  return Time(std::chrono::milliseconds(ms));
}

Arrival message(int ms, Json json) {
  return {at_ms(ms), std::move(json), ""};
}

/// 20 ms of a tone or of silence.
Arrival sound(int ms, bool voiced) {
  std::string bytes;
  for (int i = 0; i < kRate / 50; ++i) {
    const int value = voiced ? static_cast<int>(8000 * std::sin(0.3 * i)) : 0;
    bytes += static_cast<char>(value & 0xFF);
    bytes += static_cast<char>((value >> 8) & 0xFF);
  }
  return {at_ms(ms), nullptr, bytes};
}

Arrival begins(int ms, int response, bool aside = false) {
  return message(ms,
                 {{"type", "response_start"}, {"response", response}, {"aside", aside}, {"output_sample_rate", kRate}});
}

TEST(LiveLog, TheOnsetIsTheMessageWithTheFirstVoicedSample) {
  LiveLog log;
  log.take(begins(100, 1));
  log.take(sound(110, false));
  log.take(sound(112, false));
  log.take(sound(120, true));
  ASSERT_NE(log.newest(), nullptr);
  const auto onset = log.newest()->onset();
  ASSERT_TRUE(onset);
  EXPECT_EQ(onset->arrived, at_ms(120));
  EXPECT_EQ(onset->audible, at_ms(150)) << "after 40 ms of silence that began to play at 110 ms";
}

TEST(LiveLog, SilenceIsNoOnset) {
  LiveLog log;
  log.take(begins(100, 1));
  log.take(sound(110, false));
  EXPECT_FALSE(log.newest()->onset());
}

TEST(LiveLog, SoundOfAnAnswerThatBeganBeforeIsNotCounted) {
  LiveLog log;
  log.take(sound(10, true));
  EXPECT_EQ(log.newest(), nullptr);
  log.take(begins(20, 5));
  EXPECT_TRUE(log.newest()->samples.empty());
}

TEST(LiveLog, AsidesAreNoAnswers) {
  LiveLog log;
  log.take(begins(10, 1));
  log.take(begins(20, 2, true));
  log.take(message(30, {{"type", "response_end"}, {"response", 1}, {"status", "interrupted"}}));
  EXPECT_EQ(log.newest()->response, 1);
  EXPECT_EQ(log.newest()->status, "interrupted");
}

TEST(LiveLog, MessagesWithoutTheirFieldsChangeNothing) {
  LiveLog log;
  for (const char* type : {"response", "response_end", "turn", "duck", "hold", "transcription", "state", "unknown"})
    log.take(message(1, {{"type", type}}));
  log.take(message(1, Json::object()));
  EXPECT_TRUE(log.answers().empty());
  EXPECT_TRUE(log.finals().empty());
}

TEST(Spread, PercentilesAreMeasuredValues) {
  std::vector<double> values;
  for (int i = 20; i >= 1; --i)
    values.push_back(i);
  const Spread spread = spread_of(values);
  EXPECT_EQ(spread.p50, 10);
  EXPECT_EQ(spread.p95, 19);
  EXPECT_EQ(spread.max, 20);
  EXPECT_TRUE(to_json(spread_of({})).is_null());
}

}  // namespace
}  // namespace morgan::cli
