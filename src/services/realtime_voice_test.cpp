// A call's track by a strand whose time the test moves: when which packet leaves, what is in it, what is told.
#include "services/realtime_voice.h"

#include "runtime/simulated_strand.h"
#include "services/packet_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace morgan::services {
namespace {

using std::chrono::milliseconds;

class RealtimeVoiceTest : public testing::Test {
 protected:
  struct Packet {
    std::uint32_t timestamp = 0;
    runtime::TimePoint at{};
    float loudest = 0;
  };

  void SetUp() override {
    auto decoder = audio::OpusStreamDecoder::create(RealtimeVoice::kRateHz);
    ASSERT_TRUE(decoder);
    decoder_ = std::move(*decoder);
    auto voice = RealtimeVoice::open(
        strand_,
        [this](const std::string& packet, std::uint32_t timestamp) {
          const auto samples = decoder_->decode(packet);
          ASSERT_TRUE(samples);
          ASSERT_EQ(samples->size(), RealtimeVoice::kFrame);
          float loudest = 0;
          for (const float sample : *samples)
            loudest = std::max(loudest, std::abs(sample));
          packets_.push_back({timestamp, strand_->now(), loudest});
        },
        [this](OrderedJson event) {
          told_ += event["type"].get<std::string>().substr(20) + " " + event["response_id"].get<std::string>() + ";";
        });
    ASSERT_TRUE(voice);
    voice_ = std::move(*voice);
    voice_->start();
  }

  static std::vector<float> tone(int ms, int rate_hz = RealtimeVoice::kRateHz) {
    std::vector<float> samples(static_cast<std::size_t>(ms * rate_hz / 1000));
    for (std::size_t i = 0; i < samples.size(); ++i)
      samples[i] =
          0.5F * std::sin(2 * std::numbers::pi_v<float> * 440 * static_cast<float>(i) / static_cast<float>(rate_hz));
    return samples;
  }

  std::size_t loud_packets() const {
    return static_cast<std::size_t>(
        std::count_if(packets_.begin(), packets_.end(), [](const Packet& packet) { return packet.loudest > 0.1F; }));
  }

  std::shared_ptr<runtime::SimulatedStrand> strand_ = std::make_shared<runtime::SimulatedStrand>();
  std::unique_ptr<audio::OpusStreamDecoder> decoder_;
  std::shared_ptr<RealtimeVoice> voice_;
  std::vector<Packet> packets_;
  std::string told_;
};

TEST_F(RealtimeVoiceTest, APacketEvery20MsWhetherSomethingIsSaidOrNot) {
  strand_->advance(milliseconds(500));
  voice_->begin("one", RealtimeVoice::kRateHz);
  voice_->add(tone(200));
  voice_->finish();
  strand_->advance(milliseconds(500));
  ASSERT_EQ(packets_.size(), 51U);
  for (std::size_t i = 1; i < packets_.size(); ++i) {
    EXPECT_EQ(packets_[i].timestamp - packets_[i - 1].timestamp, 960U);
    EXPECT_EQ(packets_[i].at - packets_[i - 1].at, milliseconds(20));
  }
  EXPECT_NEAR(static_cast<double>(loud_packets()), 10, 1);
  EXPECT_EQ(told_, "started one;stopped one;");
}

TEST_F(RealtimeVoiceTest, BeginAndEndAreToldWhenTheyAreHeard) {
  voice_->begin("one", RealtimeVoice::kRateHz);
  strand_->advance(milliseconds(100));
  EXPECT_EQ(told_, "") << "nothing is heard of it yet";
  voice_->add(tone(100));
  strand_->advance(milliseconds(40));
  EXPECT_EQ(told_, "started one;");
  voice_->finish();
  EXPECT_EQ(told_, "started one;") << "60 ms are to come";
  strand_->advance(milliseconds(80));
  EXPECT_EQ(told_, "started one;stopped one;");
}

TEST_F(RealtimeVoiceTest, OneAnswerFollowsTheOther) {
  voice_->begin("one", RealtimeVoice::kRateHz);
  voice_->add(tone(50));
  voice_->finish();
  voice_->begin("two", RealtimeVoice::kRateHz);
  voice_->add(tone(50));
  voice_->finish();
  strand_->advance(milliseconds(200));
  EXPECT_EQ(told_, "started one;stopped one;started two;stopped two;");
}

TEST_F(RealtimeVoiceTest, WhatIsClearedIsNotHeard) {
  voice_->begin("one", RealtimeVoice::kRateHz);
  voice_->add(tone(1'000));
  strand_->advance(milliseconds(100));
  voice_->clear();
  EXPECT_EQ(told_, "started one;cleared one;");
  voice_->add(tone(1'000));  // of an answer that has not heard of it yet
  voice_->finish();
  const std::size_t before = packets_.size();
  strand_->advance(milliseconds(400));
  EXPECT_EQ(packets_.size(), before + 20);
  EXPECT_LE(loud_packets(), 7U);
  EXPECT_EQ(told_, "started one;cleared one;");
  voice_->begin("two", RealtimeVoice::kRateHz);
  voice_->add(tone(100));
  strand_->advance(milliseconds(40));
  EXPECT_EQ(told_, "started one;cleared one;started two;");
}

TEST_F(RealtimeVoiceTest, NothingIsToldOfAnAnswerThatNobodyHeard) {
  voice_->begin("one", RealtimeVoice::kRateHz);
  voice_->clear();
  voice_->begin("two", RealtimeVoice::kRateHz);
  voice_->finish();
  strand_->advance(milliseconds(100));
  EXPECT_EQ(told_, "");
}

TEST_F(RealtimeVoiceTest, AHoldIsSilenceAndLosesNothing) {
  voice_->begin("one", RealtimeVoice::kRateHz);
  voice_->add(tone(400));
  voice_->finish();
  strand_->advance(milliseconds(100));
  voice_->hold();
  strand_->advance(milliseconds(1'000));
  EXPECT_LE(loud_packets(), 8U);
  EXPECT_EQ(told_, "started one;");
  voice_->resume();
  strand_->advance(milliseconds(500));
  EXPECT_NEAR(static_cast<double>(loud_packets()), 20, 2);
  EXPECT_EQ(told_, "started one;stopped one;");
}

TEST_F(RealtimeVoiceTest, AVoiceOfAnotherRateIsAsLong) {
  voice_->begin("one", 22'050);
  voice_->add(tone(400, 22'050));
  voice_->finish();
  strand_->advance(milliseconds(1'000));
  EXPECT_NEAR(static_cast<double>(loud_packets()), 20, 2);
  EXPECT_EQ(told_, "started one;stopped one;");
}

TEST_F(RealtimeVoiceTest, ItEndsWithItsOwner) {
  strand_->advance(milliseconds(100));
  const std::size_t before = packets_.size();
  voice_.reset();
  strand_->advance(milliseconds(100));
  EXPECT_EQ(packets_.size(), before);
}

TEST(PacketOrderTest, WhatIsMissingIsCounted) {
  PacketOrder order;
  EXPECT_EQ(order.take(4'000'000'000U, 960), 0) << "the first may have any time";
  EXPECT_EQ(order.take(4'000'000'960U, 960), 0);
  EXPECT_EQ(order.take(4'000'000'960U + 3 * 960, 960), 2);
  EXPECT_EQ(order.take(4'000'000'960U + 4 * 960, 480), 0);
}

TEST(PacketOrderTest, WhatIsLateOrDoubledIsDropped) {
  PacketOrder order;
  EXPECT_EQ(order.take(9'600, 960), 0);
  EXPECT_EQ(order.take(9'600, 960), std::nullopt);
  EXPECT_EQ(order.take(8'640, 960), std::nullopt);
  EXPECT_EQ(order.take(10'560, 960), 0);
}

TEST(PacketOrderTest, TimesWrapAround) {
  PacketOrder order;
  EXPECT_EQ(order.take(0xffff'ffffU - 959, 960), 0);
  EXPECT_EQ(order.take(0, 960), 0);
  EXPECT_EQ(order.take(1'920, 960), 1);
}

TEST(PacketOrderTest, ALongPauseIsASecondAndANewBeginningNone) {
  PacketOrder order;
  EXPECT_EQ(order.take(0, 960), 0);
  EXPECT_EQ(order.take(48'000 * 60, 960), 50);
  EXPECT_EQ(order.take(48'000, 960), 0);
  EXPECT_EQ(order.take(48'960, 960), 0);
}

}  // namespace
}  // namespace morgan::services
