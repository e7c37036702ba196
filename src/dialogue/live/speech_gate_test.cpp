#include "dialogue/live/speech_gate.h"

#include "audio/pcm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

namespace morgan::dialogue::live {
namespace {

constexpr std::size_t kFrame = engines::VadEngine::kFrameSamples;
constexpr std::size_t kMs = audio::kSpeechRate / 1000;

/// Says of each frame what the test planned for it.
class PlannedVad final : public engines::VadStream {
 public:
  explicit PlannedVad(const std::vector<float>* plan) : plan_(plan) {}
  Result<float> push(std::span<const float> frame) override {
    EXPECT_EQ(frame.size(), kFrame);
    const std::size_t at = next_++;
    return at < plan_->size() ? (*plan_)[at] : 0.0F;
  }
  void reset() override { next_ = 0; }

 private:
  const std::vector<float>* plan_;  // the test's
  std::size_t next_ = 0;
};

class BrokenVad final : public engines::VadStream {
 public:
  Result<float> push(std::span<const float>) override { return fail(ErrorCode::kInternal, "the model broke"); }
  void reset() override {}
};

/// A room: noise, and a voice (a hum with overtones) where it is asked for; and what Silero would say of it.
class Room {
 public:
  Room(double milliseconds, double noise_db) : samples_(samples(milliseconds)) {
    std::normal_distribution<float> noise(0, amplitude(noise_db));
    for (float& sample : samples_)
      sample = noise(random_);
  }

  /// @param lag_frames  for so long Silero goes on hearing the voice after its end
  Room& voice(double from_ms, double until_ms, double level_db, std::size_t lag_frames = 2) {
    const std::size_t end = std::min(samples(until_ms), samples_.size());
    const float loud = amplitude(level_db);
    for (std::size_t i = samples(from_ms); i < end; ++i) {
      const double t = static_cast<double>(i) / audio::kSpeechRate;
      const double hum = std::sin(2 * std::numbers::pi * 140 * t) + 0.5 * std::sin(2 * std::numbers::pi * 700 * t);
      samples_[i] += loud * 1.26F * static_cast<float>(hum);
    }
    voices_.push_back({samples(from_ms), end, lag_frames});
    return *this;
  }

  /// Pushes all of it, `step` samples at a time. What it returns has no kSound.
  std::vector<GateEvent> play(std::size_t step = 320) {
    plan_.assign(samples_.size() / kFrame, 0.02F);
    for (const Voice& voice : voices_) {
      // A frame counts as speech when most of it is.
      for (std::size_t frame = 0; frame < plan_.size(); ++frame) {
        const std::size_t begin = std::max(frame * kFrame, voice.begin);
        const std::size_t end = std::min((frame + 1) * kFrame, voice.end + voice.lag * kFrame);
        if (end > begin && end - begin > kFrame / 2) plan_[frame] = 0.95F;
      }
    }
    SpeechGate gate(std::make_unique<PlannedVad>(&plan_));
    std::vector<GateEvent> events;
    for (std::size_t at = 0; at < samples_.size(); at += step) {
      const auto piece = std::span<const float>(samples_).subspan(at, std::min(step, samples_.size() - at));
      const auto more = gate.push(piece);
      EXPECT_TRUE(more);
      for (const GateEvent& event : *more) {
        if (event.kind == GateEvent::Kind::kSound) {
          sounds_.push_back(at + piece.size());
          continue;
        }
        events.push_back(event);
        told_at_.push_back(at + piece.size());
      }
    }
    EXPECT_EQ(gate.samples(), samples_.size());
    return events;
  }

  /// When the event was told, as a sample of the microphone.
  std::size_t told_at(std::size_t event) const { return told_at_[event]; }
  /// When each kSound was told.
  const std::vector<std::size_t>& sounds() const { return sounds_; }

 private:
  struct Voice {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t lag = 0;
  };
  static std::size_t samples(double ms) { return static_cast<std::size_t>(ms * kMs); }
  static float amplitude(double db) { return static_cast<float>(std::pow(10, db / 20)); }

  std::mt19937 random_{1};
  std::vector<float> samples_;
  std::vector<Voice> voices_;
  std::vector<float> plan_;
  std::vector<std::size_t> told_at_;
  std::vector<std::size_t> sounds_;
};

std::string kinds(const std::vector<GateEvent>& events) {
  std::string text;
  for (const GateEvent& event : events) {
    text += event.kind == GateEvent::Kind::kMaybeSpeech ? '?' : event.kind == GateEvent::Kind::kSpeech ? 'S' : 'P';
  }
  return text;
}

double ms(std::size_t samples) {
  return static_cast<double>(samples) / kMs;
}

TEST(SpeechGate, SilenceAndNoiseAloneSayNothing) {
  EXPECT_EQ(kinds(Room(5'000, -90).play()), "");
  EXPECT_EQ(kinds(Room(5'000, -25).play()), "");
}

TEST(SpeechGate, SpeechBeginsWhereItsFirstFrameBeganAfterTwoFrames) {
  Room room(2'000, -65);
  const auto events = room.voice(500, 1'500, -25).play();
  ASSERT_EQ(kinds(events), "?SP");
  EXPECT_NEAR(ms(events[0].at_sample), 500, 32);
  EXPECT_EQ(events[1].at_sample, events[0].at_sample);
  EXPECT_LE(ms(room.told_at(1)), 500 + 3 * 32);
}

TEST(SpeechGate, APauseIsToldWithin64MsAndNamesTheLastVoicedSample) {
  for (const double end : {1'500.0, 1'507.0, 1'513.0, 1'529.0}) {
    // Silero would need another 160 ms to notice.
    Room room(2'500, -65);
    const auto events = room.voice(500, end, -25, 5).play(kMs * 4);
    ASSERT_EQ(kinds(events), "?SP") << end;
    EXPECT_NEAR(ms(events[2].at_sample), end, 10.1);
    EXPECT_GE(ms(room.told_at(2)) - end, 30) << "sooner than a closure inside a word lasts";
    EXPECT_LE(ms(room.told_at(2)) - end, 64);
  }
}

TEST(SpeechGate, TwoMinutesWithoutAGapMakeNobodyInaudible) {
  Room room(123'000, -65);
  const auto events = room.voice(500, 120'500, -25).voice(122'000, 122'500, -25).play();
  ASSERT_EQ(kinds(events), "?SP?SP");
  EXPECT_NEAR(ms(events[2].at_sample), 120'500, 10.1);
}

TEST(SpeechGate, WhileSileroLagsNothingIsResumed) {
  EXPECT_EQ(kinds(Room(3'000, -65).voice(500, 1'500, -25, 12).play()), "?SP");
}

TEST(SpeechGate, AClickInAPauseIsNoResumption) {
  Room room(3'000, -70);
  room.voice(500, 1'500, -25, 4).voice(1'590, 1'597, -20, 0);
  EXPECT_EQ(kinds(room.play()), "?SP");
}

TEST(SpeechGate, AWordAfterAPauseResumesWhereItBegan) {
  Room room(3'000, -65);
  const auto events = room.voice(500, 1'500, -25).voice(1'700, 2'300, -25).play();
  ASSERT_EQ(kinds(events), "?SPSP");
  EXPECT_NEAR(ms(events[3].at_sample), 1'700, 10.1);
  EXPECT_LE(ms(room.told_at(3)), 1'700 + 64 + 20);
  EXPECT_NEAR(ms(events[4].at_sample), 2'300, 10.1);
}

TEST(SpeechGate, AClosureInsideAWordIsNoPause) {
  Room room(3'000, -65);
  room.voice(500, 900, -25).voice(930, 1'500, -25);
  EXPECT_EQ(kinds(room.play()), "?SP");
}

TEST(SpeechGate, InANoisyRoomSileroAloneEndsSpeech) {
  // The noise is as loud as the voice: levels say nothing.
  Room room(3'000, -22);
  const auto events = room.voice(500, 1'500, -25, 0).play();
  ASSERT_EQ(kinds(events), "?SP");
  EXPECT_LE(ms(room.told_at(2)), 1'500 + 3 * 32 + 20);
}

TEST(SpeechGate, InARoomWithAHumThePauseIsStillFoundByLevel) {
  Room room(4'000, -45);
  const auto events = room.voice(1'500, 2'500, -22, 8).play();
  ASSERT_EQ(kinds(events), "?SP");
  EXPECT_LE(ms(room.told_at(2)) - 2'500, 64);
}

TEST(SpeechGate, AQuietSpeakerIsHeard) {
  Room room(3'000, -80);
  const auto events = room.voice(500, 1'500, -48).play();
  ASSERT_EQ(kinds(events), "?SP");
  EXPECT_NEAR(ms(events[2].at_sample), 1'500, 10.1);
}

TEST(SpeechGate, WhoSpeaksSoftlyAfterAShoutIsHeardAsLongAsHeSpeaks) {
  // A shout at -4 dB, then ordinary speech 30 dB below it.
  Room room(9'000, -75);
  const auto events = room.voice(500, 1'500, -4).voice(4'000, 7'000, -34).play();
  ASSERT_GE(events.size(), 5U);
  // A pause may be seen until the level is learned, but most of the speech counts, and its end is its end.
  EXPECT_EQ(events.back().kind, GateEvent::Kind::kPause);
  EXPECT_NEAR(ms(events.back().at_sample), 7'000, 10.1);
  const auto last_speech = std::find_if(events.rbegin(), events.rend(),
                                        [](const auto& event) { return event.kind == GateEvent::Kind::kSpeech; });
  EXPECT_LE(ms(last_speech->at_sample), 4'400);
}

TEST(SpeechGate, ASoundIsToldOfBeforeItIsKnownToBeSpeech) {
  // Silero takes no part: to it this is a breath, or speech too soft to be sure of.
  Room room(4'000, -65);
  room.voice(500, 1'500, -25).voice(2'600, 2'900, -45, 0);
  room.play(160);
  const auto& sounds = room.sounds();
  const auto first = std::find_if(sounds.begin(), sounds.end(), [](std::size_t at) { return at > 2'000 * kMs; });
  ASSERT_NE(first, sounds.end());
  EXPECT_GE(ms(*first), 2'600);
  EXPECT_LE(ms(*first), 2'650);
}

TEST(SpeechGate, NeitherAClickNorSilenceIsASound) {
  Room room(4'000, -65);
  room.voice(500, 1'500, -25).voice(2'600, 2'615, -20, 0);
  room.play(160);
  for (const std::size_t at : room.sounds())
    EXPECT_LE(ms(at), 600);
}

TEST(SpeechGate, ABurstOfOneFrameIsOnlyAMaybe) {
  Room room(2'000, -65);
  EXPECT_EQ(kinds(room.voice(512, 544, -25, 0).play()), "?");
}

TEST(SpeechGate, HowTheSamplesAreCutChangesNothing) {
  const auto make = [](std::size_t step) {
    Room room(4'000, -60);
    return room.voice(500, 1'500, -25, 3).voice(1'800, 2'600, -30, 3).play(step);
  };
  const auto expected = make(320);
  for (const std::size_t step : {1U, 160U, 512U, 777U, 16'000U, 64'000U}) {
    const auto events = make(step);
    ASSERT_EQ(kinds(events), kinds(expected)) << step;
    for (std::size_t i = 0; i < events.size(); ++i)
      EXPECT_EQ(events[i].at_sample, expected[i].at_sample) << step;
  }
}

TEST(SpeechGate, AFailureOfTheModelIsTold) {
  SpeechGate gate(std::make_unique<BrokenVad>());
  const std::vector<float> samples(kFrame, 0.0F);
  const auto events = gate.push(samples);
  ASSERT_FALSE(events);
  EXPECT_EQ(events.error().code, ErrorCode::kInternal);
}

}  // namespace
}  // namespace morgan::dialogue::live
