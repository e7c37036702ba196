// From probabilities to segments: hysteresis, shortest speech, shortest silence; then padding and cutting
// for whole recordings.
#include "engines/vad/vad_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace morgan::engines {

namespace {

constexpr int kFrameMs = 32;
/// Speech goes on down to this much below the threshold (Silero's own hysteresis).
constexpr float kHysteresis = 0.15F;
constexpr double kFrameSeconds = static_cast<double>(VadEngine::kFrameSamples) / audio::kSpeechRate;

std::size_t frames_of(int milliseconds) {
  return static_cast<std::size_t>((milliseconds + kFrameMs - 1) / kFrameMs);
}

double seconds_of(std::size_t frame) {
  return static_cast<double>(frame) * kFrameSeconds;
}

}  // namespace

Result<void> SegmenterOptions::check() const {
  const auto bad = [](const char* name, const std::string& value, const char* expected) {
    return fail({ErrorCode::kInvalidArgument, fmt::format("{} is {}, expected {}", name, value, expected), "", name});
  };
  if (!(threshold > 0.0F && threshold < 1.0F))
    return bad("threshold", fmt::format("{}", threshold), "a number between 0 and 1");
  if (min_speech_ms < 0 || min_speech_ms > 10'000)
    return bad("min_speech_ms", std::to_string(min_speech_ms), "0 to 10000");
  if (min_silence_ms < 0 || min_silence_ms > 60'000)
    return bad("min_silence_ms", std::to_string(min_silence_ms), "0 to 60000");
  if (pad_ms < 0 || pad_ms > 10'000) return bad("pad_ms", std::to_string(pad_ms), "0 to 10000");
  if (max_speech_ms < 1'000) return bad("max_speech_ms", std::to_string(max_speech_ms), "at least 1000");
  return {};
}

SpeechSegmenter::SpeechSegmenter(SegmenterOptions options) : options_(options) {}

std::vector<SpeechSegmenter::Event> SpeechSegmenter::push(float probability) {
  std::vector<Event> events;
  const bool voiced =
      probability >= (candidate_frames_ > 0 || in_speech_ ? options_.threshold - kHysteresis : options_.threshold);
  if (!in_speech_) {
    if (!voiced) {
      candidate_frames_ = 0;
    } else {
      if (candidate_frames_ == 0) {
        speech_start_ = frame_;
        probability_sum_ = 0;
        probability_count_ = 0;
      }
      ++candidate_frames_;
      probability_sum_ += static_cast<double>(probability);
      ++probability_count_;
      if (candidate_frames_ >= std::max<std::size_t>(1, frames_of(options_.min_speech_ms))) {
        in_speech_ = true;
        silence_frames_ = 0;
        events.push_back({Event::Kind::kStart, seconds_of(speech_start_), probability});
      }
    }
  } else if (voiced) {
    silence_frames_ = 0;
    probability_sum_ += static_cast<double>(probability);
    ++probability_count_;
  } else if (++silence_frames_ >= std::max<std::size_t>(1, frames_of(options_.min_silence_ms))) {
    const float mean =
        static_cast<float>(probability_sum_ / static_cast<double>(std::max<std::size_t>(1, probability_count_)));
    events.push_back({Event::Kind::kEnd, seconds_of(frame_ + 1 - silence_frames_), mean});
    in_speech_ = false;
    candidate_frames_ = 0;
  }
  ++frame_;
  return events;
}

std::vector<SpeechSegmenter::Event> SpeechSegmenter::finish() {
  if (!in_speech_) return {};
  in_speech_ = false;
  candidate_frames_ = 0;
  const float mean =
      static_cast<float>(probability_sum_ / static_cast<double>(std::max<std::size_t>(1, probability_count_)));
  return {{Event::Kind::kEnd, seconds_of(frame_ - silence_frames_), mean}};
}

namespace {

/// Cuts [start, end) into pieces of at most max_speech at the least likely frame of each piece's second half.
void cut_long(const SpeechSegment& segment, const std::vector<float>& probabilities, double max_seconds,
              std::vector<SpeechSegment>& pieces) {
  SpeechSegment rest = segment;
  while (rest.end_seconds - rest.start_seconds > max_seconds) {
    const auto from = static_cast<std::size_t>((rest.start_seconds + max_seconds / 2) / kFrameSeconds);
    const auto to =
        std::min(probabilities.size(), static_cast<std::size_t>((rest.start_seconds + max_seconds) / kFrameSeconds));
    if (from >= to) break;
    const auto quietest = std::min_element(probabilities.begin() + static_cast<std::ptrdiff_t>(from),
                                           probabilities.begin() + static_cast<std::ptrdiff_t>(to));
    const double cut = seconds_of(static_cast<std::size_t>(quietest - probabilities.begin()));
    pieces.push_back({rest.start_seconds, cut, rest.confidence});
    rest.start_seconds = cut;
  }
  pieces.push_back(rest);
}

}  // namespace

Result<std::vector<SpeechSegment>> find_speech(VadEngine& vad, audio::PcmView pcm, const SegmenterOptions& options) {
  MORGAN_CHECK_OK(options.check());
  if (pcm.rate_hz != audio::kSpeechRate) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("voice activity detection needs 16000 Hz, not {}", pcm.rate_hz));
  }
  const std::unique_ptr<VadStream> stream = vad.open();
  SpeechSegmenter segmenter(options);
  std::vector<float> probabilities;
  std::vector<SpeechSegment> found;
  const auto take = [&found](const std::vector<SpeechSegmenter::Event>& events) {
    for (const SpeechSegmenter::Event& event : events) {
      if (event.kind == SpeechSegmenter::Event::Kind::kStart) {
        found.push_back({event.at_seconds, event.at_seconds, 0});
      } else {
        found.back().end_seconds = event.at_seconds;
        found.back().confidence = event.confidence;
      }
    }
  };
  std::vector<float> last(VadEngine::kFrameSamples);
  for (std::size_t at = 0; at < pcm.samples.size(); at += VadEngine::kFrameSamples) {
    std::span<const float> frame = pcm.samples.subspan(at, std::min(VadEngine::kFrameSamples, pcm.samples.size() - at));
    if (frame.size() < VadEngine::kFrameSamples) {
      std::copy(frame.begin(), frame.end(), last.begin());
      frame = last;
    }
    MORGAN_TRY(const float probability, stream->push(frame));
    probabilities.push_back(probability);
    take(segmenter.push(probability));
  }
  take(segmenter.finish());

  const double end = pcm.seconds();
  const double pad = options.pad_ms / 1000.0;
  std::vector<SpeechSegment> pieces;
  for (std::size_t i = 0; i < found.size(); ++i) {
    // Two paddings that would meet share the silence between them.
    const double before = i == 0 ? found[i].start_seconds : (found[i].start_seconds - found[i - 1].end_seconds) / 2;
    const double after =
        i + 1 == found.size() ? end - found[i].end_seconds : (found[i + 1].start_seconds - found[i].end_seconds) / 2;
    SpeechSegment padded = found[i];
    padded.start_seconds = std::max(0.0, padded.start_seconds - std::min(pad, before));
    padded.end_seconds = std::min(end, padded.end_seconds + std::min(pad, std::max(0.0, after)));
    cut_long(padded, probabilities, options.max_speech_ms / 1000.0, pieces);
  }
  return pieces;
}

}  // namespace morgan::engines
