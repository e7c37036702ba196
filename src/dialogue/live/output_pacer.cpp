#include "dialogue/live/output_pacer.h"

#include <algorithm>

namespace morgan::dialogue::live {

namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
/// A gain moves over its whole range in so long: quick enough to be at once, slow enough not to click.
constexpr double kRampSeconds = 0.015;

}  // namespace

void OutputPacer::begin(int rate_hz) {
  *this = OutputPacer(options_);
  rate_hz_ = rate_hz;
}

std::size_t OutputPacer::samples_of(std::chrono::nanoseconds span) const {
  if (span.count() <= 0) return 0;
  return static_cast<std::size_t>(span.count() * rate_hz_ / kNanosecondsPerSecond);
}

std::chrono::nanoseconds OutputPacer::duration_of(std::size_t samples) const {
  return std::chrono::nanoseconds(static_cast<std::int64_t>(samples) * kNanosecondsPerSecond / std::max(1, rate_hz_));
}

void OutputPacer::add_piece(std::string text) {
  pieces_.push_back(std::move(text));
}

void OutputPacer::add_audio(std::span<const float> samples, std::vector<engines::SpokenWord> words) {
  for (engines::SpokenWord& word : words) {
    words_.push_back({std::move(word.text), pieces_.empty() ? 0 : pieces_.size() - 1, word.text_end,
                      added_ + word.begin_sample, added_ + word.end_sample});
  }
  queue_.insert(queue_.end(), samples.begin(), samples.end());
  added_ += samples.size();
}

std::vector<OutputChunk> OutputPacer::due(runtime::TimePoint now) {
  std::vector<OutputChunk> chunks;
  if (held_since_ || queue_.empty()) return chunks;
  if (!clock_start_) {
    clock_start_ = now;
  } else if (now > *clock_start_ + duration_of(sent_)) {
    // All that was sent has been heard: the listener waited, and the clock with him.
    clock_start_ = now - duration_of(sent_);
  }
  const std::size_t wanted = samples_of(now - *clock_start_ + options_.lead);
  const std::size_t length = std::max<std::size_t>(1, samples_of(options_.chunk));
  const auto step = static_cast<float>(1.0 / (kRampSeconds * rate_hz_));
  while (!queue_.empty() && sent_ < wanted) {
    // A part of a chunk waits for the rest of it, unless there is none.
    if (queue_.size() < length && !finished_ && sent_ + queue_.size() + length > wanted && sent_ > 0) break;
    OutputChunk chunk;
    chunk.first_sample = sent_;
    const std::size_t count = std::min(length, queue_.size());
    chunk.samples.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      gain_ += std::clamp(target_gain_ - gain_, -step, step);
      chunk.samples.push_back(queue_[i] * gain_);
    }
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count));
    sent_ += count;
    for (; next_word_ < words_.size() && words_[next_word_].begin_sample < sent_; ++next_word_)
      chunk.words.push_back(words_[next_word_]);
    chunks.push_back(std::move(chunk));
  }
  return chunks;
}

std::optional<runtime::TimePoint> OutputPacer::next_due() const {
  if (held_since_ || queue_.empty() || !clock_start_) return std::nullopt;
  return *clock_start_ + duration_of(sent_) - options_.lead;
}

void OutputPacer::hold(runtime::TimePoint now) {
  if (!held_since_) held_since_ = now;
}

void OutputPacer::resume(runtime::TimePoint now) {
  unduck();
  if (!held_since_) return;
  if (clock_start_) *clock_start_ += now - *held_since_;
  held_since_.reset();
  gain_ = 0;  // from silence to full loudness without a click
}

void OutputPacer::report_played(std::size_t samples, runtime::TimePoint now) {
  if (!clock_start_ || samples > sent_ || samples < reported_) return;
  reported_ = samples;
  // The clock follows what the listener hears: later than what was sent, never ahead of it.
  clock_start_ = (held_since_ ? *held_since_ : now) - duration_of(samples);
}

std::size_t OutputPacer::played(runtime::TimePoint now) const {
  if (!clock_start_) return 0;
  return std::min(sent_, samples_of((held_since_ ? *held_since_ : now) - *clock_start_));
}

bool OutputPacer::done(runtime::TimePoint now) const {
  if (!finished_ || !queue_.empty()) return false;
  return sent_ == 0 || (!held_since_ && now >= *clock_start_ + duration_of(sent_));
}

std::optional<runtime::TimePoint> OutputPacer::done_at() const {
  if (!finished_ || !queue_.empty() || held_since_ || !clock_start_) return std::nullopt;
  return *clock_start_ + duration_of(sent_);
}

std::string OutputPacer::heard_text(std::size_t played_samples) const {
  const HeardWord* last = nullptr;
  for (const HeardWord& word : words_) {
    if ((word.begin_sample + word.end_sample) / 2 <= played_samples) last = &word;
  }
  if (last == nullptr) return {};
  std::string text;
  for (std::size_t i = 0; i < last->piece; ++i)
    text += pieces_[i] + " ";
  text += pieces_[last->piece].substr(0, last->text_end);
  return text;
}

std::string OutputPacer::recent_text(std::size_t played_samples, std::chrono::milliseconds span) const {
  const std::size_t length = samples_of(span);
  const std::size_t from = played_samples > length ? played_samples - length : 0;
  std::string text;
  for (const HeardWord& word : words_) {
    if (word.end_sample < from || word.begin_sample > played_samples) continue;
    if (!text.empty()) text += ' ';
    text += word.text;
  }
  return text;
}

}  // namespace morgan::dialogue::live
