#include "dialogue/live/speech_gate.h"

#include "audio/pcm.h"

#include <algorithm>
#include <cmath>

namespace morgan::dialogue::live {

namespace {

constexpr std::size_t kHopSamples = audio::kSpeechRate / 100;  // 10 ms
constexpr float kSpeechProbability = 0.5F;
constexpr float kSilenceProbability = 0.35F;
constexpr int kFramesToBegin = 2;
/// Silero's own end: two frames of 32 ms.
constexpr int kFramesToPause = 2;
/// The level's: closures inside words ("ca|pital") are mostly shorter.
constexpr int kHopsToPause = 4;
constexpr int kHopsToResume = 2;
/// A sound is told of after so many voiced hops in a row, and again after as many more as the second.
constexpr int kHopsToSound = 3;
constexpr int kHopsToSoundAgain = 8;
/// Quiet so long, a pause is over: the next speech needs its full evidence again.
constexpr int kFramesToQuiet = 20;
/// Voice is this far above the noise, and at most so far below the speaker's own level.
constexpr double kAboveNoiseDb = 9;
constexpr double kBelowSpeechDb = 26;
constexpr double kSilenceDb = -90;
/// A frame of speech in which the level finds none: the speaker has become softer than is remembered of him.
constexpr double kSofterDb = 3;

double decibels(double power) {
  return power > 1e-9 ? 10 * std::log10(power) : kSilenceDb;
}

}  // namespace

Result<std::vector<GateEvent>> SpeechGate::push(std::span<const float> samples) {
  std::vector<GateEvent> events;
  for (const float sample : samples) {
    frame_.push_back(sample);
    hop_power_ += static_cast<double>(sample) * static_cast<double>(sample);
    ++position_;
    if (++hop_samples_ == kHopSamples) {
      hop(hop_power_ / static_cast<double>(kHopSamples), events);
      hop_power_ = 0;
      hop_samples_ = 0;
    }
    if (frame_.size() == engines::VadEngine::kFrameSamples) {
      MORGAN_TRY(const float probability, vad_->push(frame_));
      frame_.clear();
      frame(probability, events);
    }
  }
  return events;
}

void SpeechGate::hop(double power, std::vector<GateEvent>& events) {
  const double level = decibels(power);
  if (!levels_known_) {
    noise_db_ = std::min(level, -40.0);
    levels_known_ = true;
  }
  const bool voiced = level > std::max(noise_db_ + kAboveNoiseDb, speech_db_ - kBelowSpeechDb);
  // The noise is the lower edge of what is heard: it falls at once and rises slowly. Speech is no noise, however long
  // it lasts without a gap; that it is speech, Silero says.
  if (level < noise_db_) {
    noise_db_ += 0.3 * (level - noise_db_);
  } else if (state_ != State::kSpeech) {
    noise_db_ += 0.01 * (level - noise_db_);
  }
  if (!voiced) {
    ++silent_hops_;
    voiced_run_ = 0;
    if (state_ == State::kSpeech && silent_hops_ == kHopsToPause) begin_pause(events);
    return;
  }
  silent_hops_ = 0;
  ++voiced_in_frame_;
  if (state_ != State::kSpeech && ++voiced_run_ % kHopsToSoundAgain == kHopsToSound)
    events.push_back({GateEvent::Kind::kSound, position_});
  last_voiced_ = position_;
  if (voiced_hops_++ == 0) first_voiced_ = position_ - kHopSamples;
  // The speaker's level is that of the louder hops.
  if (state_ == State::kSpeech) speech_db_ += (level > speech_db_ ? 0.2 : 0.01) * (level - speech_db_);
}

void SpeechGate::frame(float probability, std::vector<GateEvent>& events) {
  const std::size_t begin = position_ - engines::VadEngine::kFrameSamples;
  silence_frames_ = probability < kSilenceProbability ? silence_frames_ + 1 : 0;
  if (probability < kSpeechProbability) {
    speech_frames_ = 0;
  } else if (speech_frames_++ == 0) {
    candidate_ = begin;
  }
  if (speech_frames_ > 0 && voiced_in_frame_ == 0) speech_db_ -= kSofterDb;
  voiced_in_frame_ = 0;
  switch (state_) {
    case State::kQuiet:
      if (speech_frames_ == 1) events.push_back({GateEvent::Kind::kMaybeSpeech, begin});
      if (speech_frames_ >= kFramesToBegin) begin_speech(candidate_, events);
      break;
    case State::kSpeech:
      if (silence_frames_ >= kFramesToPause) begin_pause(events);
      break;
    case State::kPause:
      // Silero still hears the word that has ended: only new sound counts.
      if (speech_frames_ > 0 && voiced_hops_ >= kHopsToResume) {
        begin_speech(first_voiced_, events);
      } else if (silence_frames_ >= kFramesToQuiet) {
        state_ = State::kQuiet;
        voiced_hops_ = 0;
      }
      break;
  }
}

void SpeechGate::begin_speech(std::size_t at, std::vector<GateEvent>& events) {
  state_ = State::kSpeech;
  voiced_run_ = 0;
  silent_hops_ = 0;
  silence_frames_ = 0;
  last_voiced_ = std::max(last_voiced_, at);
  events.push_back({GateEvent::Kind::kSpeech, at});
}

void SpeechGate::begin_pause(std::vector<GateEvent>& events) {
  state_ = State::kPause;
  voiced_hops_ = 0;
  speech_frames_ = 0;
  events.push_back({GateEvent::Kind::kPause, last_voiced_});
}

}  // namespace morgan::dialogue::live
