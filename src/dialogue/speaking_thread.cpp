#include "dialogue/speaking_thread.h"

#include <utility>

namespace morgan::dialogue {

SpeakingThread::SpeakingThread(engines::TtsEngine& tts, std::string voice, double speed,
                               std::function<bool(std::span<const float>)> on_audio, StopToken stop)
    : tts_(tts),
      voice_(std::move(voice)),
      speed_(speed),
      on_audio_(std::move(on_audio)),
      stop_(std::move(stop)),
      thread_([this] { run(); }) {}

SpeakingThread::~SpeakingThread() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    complete_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SpeakingThread::push(std::string piece) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ended_ || waiting_.size() < kMaxWaiting; });
  if (ended_) return;
  waiting_.push_back(std::move(piece));
  changed_.notify_all();
}

bool SpeakingThread::refused() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

SpeakingThread::Outcome SpeakingThread::finish() {
  {
    const std::lock_guard lock(mutex_);
    complete_ = true;
  }
  changed_.notify_all();
  thread_.join();
  return std::move(outcome_);
}

void SpeakingThread::run() {
  for (;;) {
    std::string piece;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ended_ || complete_ || !waiting_.empty(); });
      if (ended_ || waiting_.empty()) return;
      piece = std::move(waiting_.front());
      waiting_.pop_front();
    }
    changed_.notify_all();
    speak(piece);
  }
}

void SpeakingThread::speak(const std::string& piece) {
  const auto spoken =
      tts_.synthesize({piece, voice_, speed_}, [this](std::span<const float> samples) { return take(samples); }, stop_);
  if (spoken) return;
  const std::lock_guard lock(mutex_);
  // A refused sink ends the synthesis with an error too; that one is not the engine's.
  if (!ended_) outcome_.error = spoken.error();
  ended_ = true;
  waiting_.clear();
  changed_.notify_all();
}

bool SpeakingThread::take(std::span<const float> samples) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return false;
  }
  outcome_.samples.insert(outcome_.samples.end(), samples.begin(), samples.end());
  if (!on_audio_ || on_audio_(samples)) return true;
  const std::lock_guard lock(mutex_);
  refused_ = true;
  ended_ = true;
  changed_.notify_all();
  return false;
}

}  // namespace morgan::dialogue
