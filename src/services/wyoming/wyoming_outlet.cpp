#include "services/wyoming/wyoming_outlet.h"

#include "audio/pcm16.h"
#include "base/strings.h"
#include "base/time_text.h"

#include <algorithm>

namespace morgan::services {

namespace {

constexpr std::size_t kChunkSamples = 1024;
constexpr int kWidth = 2;
constexpr std::size_t kMaxErrorBytes = 400;

}  // namespace

WyomingEvent error_event(const Error& error) {
  std::string code = to_lower_ascii(error.reason.empty() ? to_string(error.code) : error.reason);
  std::replace(code.begin(), code.end(), '_', '-');
  // Part of what was sent may be in it.
  std::string text = error.message;
  if (text.size() > kMaxErrorBytes) {
    std::size_t size = kMaxErrorBytes;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U)
      --size;
    text.resize(size);
  }
  std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < ' '; }, ' ');
  return {"error", {{"text", std::move(text)}, {"code", std::move(code)}}};
}

void WyomingOutlet::send_error(const Error& error) const {
  if (stop().stop_requested()) return;
  static_cast<void>(send(error_event(error)));
}

Result<void> WyomingAudio::start(int rate_hz) {
  rate_hz_ = rate_hz;
  return out_.send({"audio-start", {{"rate", rate_hz}, {"width", kWidth}, {"channels", 1}, {"timestamp", 0}}});
}

Result<void> WyomingAudio::push(std::span<const float> samples) {
  waiting_.insert(waiting_.end(), samples.begin(), samples.end());
  std::size_t at = 0;
  for (; waiting_.size() - at >= kChunkSamples; at += kChunkSamples)
    MORGAN_CHECK_OK(send_chunk(std::span<const float>(waiting_).subspan(at, kChunkSamples)));
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(at));
  return {};
}

Result<void> WyomingAudio::send_chunk(std::span<const float> samples) {
  const std::size_t timestamp = sent_ * kMsPerSecond / static_cast<std::size_t>(rate_hz_);
  sent_ += samples.size();
  return out_.send({"audio-chunk",
                    {{"rate", rate_hz_}, {"width", kWidth}, {"channels", 1}, {"timestamp", timestamp}},
                    audio::encode_pcm16(samples)});
}

Result<void> WyomingAudio::finish() {
  if (!waiting_.empty()) MORGAN_CHECK_OK(send_chunk(waiting_));
  waiting_.clear();
  return out_.send({"audio-stop", {{"timestamp", sent_ * kMsPerSecond / static_cast<std::size_t>(rate_hz_)}}});
}

}  // namespace morgan::services
