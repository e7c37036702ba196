#include "dialogue/live/listener.h"

#include "audio/pcm.h"

#include <algorithm>

namespace morgan::dialogue::live {

namespace {

/// What stands before the first voiced sample belongs to the word: its soft onset.
constexpr std::size_t kPreRoll = audio::kSpeechRate * 3 / 10;
/// Kept while nobody speaks: the pre-roll, and what passes until speech is certain.
constexpr std::size_t kKept = audio::kSpeechRate;
constexpr std::size_t kTurnSamples = std::size_t{8} * audio::kSpeechRate;
constexpr std::size_t kMostUtterance = std::size_t{120} * audio::kSpeechRate;

}  // namespace

Listener::Listener(std::shared_ptr<runtime::Strand> strand, runtime::BlockingPool& pool, engines::SttEngine& stt,
                   engines::TurnEngine* turn, ListenerEvents events)
    : strand_(std::move(strand)), pool_(pool), stt_(stt), turn_(turn), events_(std::move(events)) {}

Listener::~Listener() {
  if (running_) running_->request_stop(StopReason::kClientGone);
}

void Listener::push(std::span<const float> samples) {
  heard_ += samples.size();
  if (transcriber_) {
    if (utterance_.size() + samples.size() > kMostUtterance) return;  // the machine's cap ends it
    utterance_.insert(utterance_.end(), samples.begin(), samples.end());
    // Too long cannot happen below the cap above.
    static_cast<void>(transcriber_->push(samples).has_value());
    return;
  }
  before_.insert(before_.end(), samples.begin(), samples.end());
  if (before_.size() > 2 * kKept) before_.erase(before_.begin(), before_.end() - static_cast<std::ptrdiff_t>(kKept));
}

void Listener::begin(std::size_t at) {
  drop();
  const std::size_t ago = heard_ - std::min(at, heard_) + kPreRoll;
  const std::size_t take = std::min(ago, before_.size());
  utterance_.assign(before_.end() - static_cast<std::ptrdiff_t>(take), before_.end());
  before_ = {};
  transcriber_ = std::make_shared<engines::StreamingTranscriber>(stt_, options_);
  static_cast<void>(transcriber_->push(utterance_).has_value());
}

void Listener::drop() {
  if (running_) running_->request_stop(StopReason::kBargeIn);
  if (transcriber_) {
    // The end of what is dropped may be the beginning of what comes.
    const std::size_t keep = std::min(kKept, utterance_.size());
    before_.assign(utterance_.end() - static_cast<std::ptrdiff_t>(keep), utterance_.end());
  }
  transcriber_.reset();
  utterance_ = {};
  wanted_.reset();
}

void Listener::partial() {
  if (!transcriber_ || running_ || wanted_) return;
  run({0, engines::DecodeKind::kPartial});
}

void Listener::draft(Generation generation, engines::DecodeKind kind) {
  if (!transcriber_) return;
  wanted_ = Wanted{generation, kind};
  if (running_) {
    running_->request_stop(StopReason::kBargeIn);  // decoded() goes on with what is wanted
  } else {
    run(*wanted_);
  }
}

void Listener::run(const Wanted& wanted) {
  auto stop = std::make_shared<StopSource>();
  running_ = stop;
  auto task = [weak = weak_from_this(), strand = strand_, transcriber = transcriber_, stop, wanted] {
    auto hypothesis = transcriber->decode(wanted.kind, stop->token());
    strand->post([weak, wanted, of = static_cast<const void*>(transcriber.get()), hypothesis = std::move(hypothesis)] {
      if (const auto self = weak.lock()) self->decoded(wanted, of, hypothesis);
    });
  };
  if (auto taken = pool_.run(std::move(task)); !taken) {
    running_.reset();
    if (wanted.generation != 0) {
      wanted_.reset();
      events_.on_draft(wanted.generation, fail(std::move(taken).error()));
    }
  }
}

void Listener::decoded(const Wanted& wanted, const void* of, Result<engines::Hypothesis> hypothesis) {
  running_.reset();
  const bool current = transcriber_ && of == transcriber_.get();
  const bool is_wanted = wanted_ && wanted_->generation == wanted.generation;
  if (current && wanted.generation != 0 && is_wanted) {
    const bool interrupted = !hypothesis && hypothesis.error().code == ErrorCode::kCancelled;
    if (!interrupted) {
      wanted_.reset();
      events_.on_draft(wanted.generation, std::move(hypothesis));
      return;
    }
  } else if (current && wanted.generation == 0 && hypothesis) {
    events_.on_partial(*hypothesis);
  }
  // An event may have begun the next one.
  if (wanted_ && !running_ && transcriber_) run(*wanted_);
}

void Listener::ask_turn(Generation generation) {
  if (turn_ == nullptr || turn_asked_ || !transcriber_) return;
  const std::size_t size = std::min(kTurnSamples, utterance_.size());
  std::vector<float> tail(utterance_.end() - static_cast<std::ptrdiff_t>(size), utterance_.end());
  auto task = [weak = weak_from_this(), strand = strand_, &turn = *turn_, tail = std::move(tail), generation] {
    const auto probability = turn.probability_complete({tail, audio::kSpeechRate});
    strand->post([weak, generation, probability] {
      const auto self = weak.lock();
      if (!self) return;
      self->turn_asked_ = false;
      if (probability) self->events_.on_turn(generation, *probability);
    });
  };
  turn_asked_ = pool_.run(std::move(task)).has_value();
}

}  // namespace morgan::dialogue::live
