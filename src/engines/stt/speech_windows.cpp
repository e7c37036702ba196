#include "engines/stt/speech_windows.h"

namespace morgan::engines {

namespace {

/// Longer silences separate windows: Whisper invents words in them.
constexpr double kLongestPauseSeconds = 2.5;

/// Even a whisper or a song is above this at some time; silence, hum and noise are not.
constexpr float kFaintestVoice = 0.2F;

SegmenterOptions window_options() {
  SegmenterOptions options;
  // Lower than for turn taking: a quiet word lost is worse than a noise heard.
  options.threshold = 0.35F;
  options.min_speech_ms = 96;
  options.min_silence_ms = 400;
  options.pad_ms = 400;
  options.max_speech_ms = static_cast<int>(kLongestWindowSeconds * 1000);
  return options;
}

std::size_t sample_at(double seconds) {
  return static_cast<std::size_t>(seconds * audio::kSpeechRate);
}

}  // namespace

Result<bool> may_hold_speech(VadEngine& vad, audio::PcmView pcm) {
  SegmenterOptions options = window_options();
  options.threshold = kFaintestVoice;
  MORGAN_TRY(const std::vector<SpeechSegment> segments, find_speech(vad, pcm, options));
  return !segments.empty();
}

Result<std::vector<SpeechWindow>> speech_windows(VadEngine* vad, audio::PcmView pcm) {
  std::vector<SpeechWindow> windows;
  const std::size_t longest = sample_at(kLongestWindowSeconds);
  if (vad == nullptr) {
    for (std::size_t begin = 0; begin < pcm.samples.size(); begin += longest) {
      windows.push_back({begin, std::min(begin + longest, pcm.samples.size())});
    }
    return windows;
  }
  MORGAN_TRY(const std::vector<SpeechSegment> segments, find_speech(*vad, pcm, window_options()));
  for (const SpeechSegment& segment : segments) {
    const SpeechWindow next{sample_at(segment.start_seconds),
                            std::min(sample_at(segment.end_seconds), pcm.samples.size())};
    const bool joins = !windows.empty() && next.end - windows.back().begin <= longest &&
                       next.begin - windows.back().end <= sample_at(kLongestPauseSeconds);
    if (joins) {
      windows.back().end = next.end;
    } else {
      windows.push_back(next);
    }
  }
  return windows;
}

}  // namespace morgan::engines
