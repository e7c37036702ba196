#include "services/wyoming/vad_request.h"
#include "base/time_text.h"

#include <algorithm>
#include <cmath>

namespace morgan::services {

namespace {}  // namespace

Result<std::vector<engines::SpeechSegmenter::Event>> VoiceFinder::push(std::span<const float> samples) {
  constexpr std::size_t kFrame = engines::VadEngine::kFrameSamples;
  std::vector<engines::SpeechSegmenter::Event> events;
  samples_ += samples.size();
  while (!samples.empty()) {
    const std::size_t size = std::min(kFrame - frame_.size(), samples.size());
    frame_.insert(frame_.end(), samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(size));
    samples = samples.subspan(size);
    if (frame_.size() < kFrame) break;
    MORGAN_TRY(const float probability, vad_->push(frame_));
    frame_.clear();
    const auto more = segmenter_.push(probability);
    events.insert(events.end(), more.begin(), more.end());
  }
  return events;
}

Result<void> send_voice_event(const WyomingOutlet& out, const engines::SpeechSegmenter::Event& event,
                              long long begin_ms) {
  const bool start = event.kind == engines::SpeechSegmenter::Event::Kind::kStart;
  const long long timestamp = begin_ms + std::llround(event.at_seconds * kMsPerSecond);
  return out.send({start ? "voice-started" : "voice-stopped", {{"timestamp", timestamp}}});
}

Result<void> VadRequest::take(std::span<const float> samples) {
  MORGAN_TRY(const auto events, finder_.push(samples));
  for (const auto& event : events)
    MORGAN_CHECK_OK(send_voice_event(out_, event, begin_ms_));
  return {};
}

Result<void> VadRequest::finish() {
  for (const auto& event : finder_.finish())
    MORGAN_CHECK_OK(send_voice_event(out_, event, begin_ms_));
  return {};
}

}  // namespace morgan::services
