#include "services/realtime_voice.h"

#include "base/log.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace morgan::services {

namespace {

constexpr std::chrono::milliseconds kPacket{20};
constexpr std::uint32_t kPacketSamples = 960;  // at RTP's 48 kHz
/// Who is later than that has lost the time: it is left out instead of sent in a burst.
constexpr std::chrono::milliseconds kMostLate{200};
/// Speech comes at its own pace: more than that is a fault.
constexpr std::size_t kMostSamples = std::size_t{30} * RealtimeVoice::kRateHz;
/// A voice that stops falls for 10 ms, so that it does not click.
constexpr std::size_t kFade = RealtimeVoice::kRateHz / 100;
constexpr float kFadeStep = 1.0F / static_cast<float>(kFade);

}  // namespace

Result<std::shared_ptr<RealtimeVoice>> RealtimeVoice::open(std::shared_ptr<runtime::Strand> strand, RealtimePlay play,
                                                           RealtimeSend tell) {
  MORGAN_TRY(auto encoder, audio::OpusStreamEncoder::create(kRateHz));
  return std::shared_ptr<RealtimeVoice>(
      new RealtimeVoice(std::move(strand), std::move(encoder), std::move(play), std::move(tell)));
}

RealtimeVoice::RealtimeVoice(std::shared_ptr<runtime::Strand> strand, std::unique_ptr<audio::OpusStreamEncoder> encoder,
                             RealtimePlay play, RealtimeSend tell)
    : strand_(std::move(strand)), encoder_(std::move(encoder)), play_(std::move(play)), tell_(std::move(tell)) {}

RealtimeVoice::~RealtimeVoice() {
  strand_->cancel(timer_);
}

void RealtimeVoice::start() {
  due_ = strand_->now();
  tick();
}

void RealtimeVoice::begin(std::string response_id, int rate_hz) {
  finish();
  resampler_.reset();
  if (rate_hz != kRateHz) {
    auto resampler = audio::StreamResampler::create(rate_hz, kRateHz);
    if (!resampler) return log::error("core", "a voice's rate is not known", {{"why", resampler.error().message}});
    resampler_.emplace(std::move(*resampler));
  }
  said_.push_back({std::move(response_id), {}});
  open_ = true;
}

void RealtimeVoice::add(std::span<const float> samples) {
  if (!open_) return;
  std::deque<float>& queue = said_.back().samples;
  if (queue.size() + samples.size() > kMostSamples) return log::warn("core", "a call's voice came too fast");
  if (!resampler_) {
    queue.insert(queue.end(), samples.begin(), samples.end());
    return;
  }
  const std::vector<float> made = resampler_->push(samples);
  queue.insert(queue.end(), made.begin(), made.end());
}

void RealtimeVoice::finish() {
  if (!std::exchange(open_, false)) return;
  Said& last = said_.back();
  if (resampler_) {
    const std::vector<float> rest = resampler_->flush();
    last.samples.insert(last.samples.end(), rest.begin(), rest.end());
  }
  last.finished = true;
}

void RealtimeVoice::clear() {
  open_ = false;
  fading_.clear();
  if (!said_.empty() && said_.front().started) {
    const std::deque<float>& left = said_.front().samples;
    float gain = gain_;
    for (std::size_t i = 0; i < std::min(kFade, left.size()); ++i) {
      gain = std::max(0.0F, gain - kFadeStep);
      fading_.push_back(left[i] * gain);
    }
  }
  for (const Said& said : std::exchange(said_, {})) {
    if (said.started) tell("output_audio_buffer.cleared", said);
  }
  held_ = false;
  gain_ = 1;
}

void RealtimeVoice::tell(const char* what, const Said& said) {
  tell_({{"type", what}, {"response_id", said.response_id}});
}

std::optional<float> RealtimeVoice::next_sample() {
  if (!fading_.empty()) {
    const float sample = fading_.front();
    fading_.pop_front();
    return sample;
  }
  gain_ = std::clamp(gain_ + (held_ ? -kFadeStep : kFadeStep), 0.0F, 1.0F);
  if (held_ && gain_ <= 0) return std::nullopt;
  while (!said_.empty()) {
    Said& said = said_.front();
    if (!said.samples.empty()) {
      if (!std::exchange(said.started, true)) tell("output_audio_buffer.started", said);
      const float sample = said.samples.front() * gain_;
      said.samples.pop_front();
      return sample;
    }
    if (!said.finished) break;
    const Said done = std::move(said);
    said_.pop_front();
    if (done.started) tell("output_audio_buffer.stopped", done);
  }
  return std::nullopt;
}

void RealtimeVoice::send_frame() {
  std::vector<float> frame(kFrame, 0.0F);
  for (float& sample : frame)
    sample = next_sample().value_or(0.0F);
  const auto packets = encoder_->push(frame);
  if (!packets) log::error("core", "a voice could not be encoded", {{"why", packets.error().message}});
  if (packets && !packets->empty()) play_(packets->front(), timestamp_);
  timestamp_ += kPacketSamples;
}

void RealtimeVoice::tick() {
  const runtime::TimePoint now = strand_->now();
  while (due_ + kMostLate < now) {
    due_ += kPacket;
    timestamp_ += kPacketSamples;
  }
  for (; due_ <= now; due_ += kPacket)
    send_frame();
  timer_ = strand_->post_at(due_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->tick();
  });
}

}  // namespace morgan::services
