// The client's half of LiveSession: what it may tell a conversation, and what it may ask of it.
#include "base/strings.h"
#include "dialogue/live/live_session.h"

#include <utility>

namespace morgan::dialogue::live {

void LiveSession::say(const std::string& text) {
  if (closed_) return;
  pending_text_ = trim(text);
  if (pending_text_.empty()) return;
  end_aside(ReplyEnd::kInterrupted);
  handle(Event::Kind::kText);
  pending_text_.clear();
}

void LiveSession::commit() {
  handle(Event::Kind::kCommit);
}

void LiveSession::forget_speech() {
  handle(Event::Kind::kForget);
}

void LiveSession::cancel() {
  if (closed_) return;
  end_aside(ReplyEnd::kCancelled);
  handle(Event::Kind::kCancel);
  asked_.reset();
}

bool LiveSession::respond(LiveAsk ask) {
  if (closed_ || answering()) return false;
  asked_ = std::move(ask);
  handle(Event::Kind::kRespond);
  return true;
}

void LiveSession::transcribe(std::vector<float> samples, std::function<void(Result<engines::Hypothesis>)> then) {
  ++transcribing_;
  const auto done = [weak = weak_from_this(), then = std::move(then)](Result<engines::Hypothesis> heard) {
    const auto self = weak.lock();
    if (!self || self->closed_) return;
    then(std::move(heard));
    if (--self->transcribing_ > 0) return;
    for (auto& next : std::exchange(self->when_transcribed_, {}))
      next();
  };
  auto task = [strand = strand_, &stt = *parts_.stt, language = config_.language, samples = std::move(samples), done] {
    engines::SttRequest request;
    request.language = language;
    request.priority = engines::SttPriority::kLive;
    auto transcript = stt.transcribe({samples, audio::kSpeechRate}, request, {});
    strand->post([done, transcript = std::move(transcript)] {
      if (!transcript) return done(fail(transcript.error()));
      engines::Hypothesis heard;
      heard.text = trim(transcript->text);
      heard.confidence = transcript->confidence;
      heard.language = transcript->language;
      done(std::move(heard));
    });
  };
  if (auto taken = parts_.pool->run(std::move(task)); !taken)
    strand_->post([done, error = taken.error()] { done(fail(error)); });
}

void LiveSession::when_transcribed(std::function<void()> then) {
  if (transcribing_ == 0) return then();
  when_transcribed_.push_back(std::move(then));
}

Result<std::shared_ptr<ReplyRun>> LiveSession::reply_beside(LiveAsk ask, ReplySink sink) {
  ReplyJob job = job_for(ask);
  job.prompt = ask.prompt ? ask.prompt("") : memory_->prompt_for_last();
  const auto shared = std::make_shared<ReplySink>(std::move(sink));  // by what was posted and not run yet
  ReplySink posted;
  posted.on_text = [strand = strand_, shared](std::string delta) {
    strand->post([shared, delta = std::move(delta)] { shared->on_text(delta); });
  };
  posted.on_piece = [](const std::string&) {};
  posted.on_audio = [strand = strand_, shared](std::vector<float> samples, std::vector<engines::SpokenWord> words) {
    strand->post(
        [shared, samples = std::move(samples), words = std::move(words)] { shared->on_audio(samples, words); });
  };
  posted.on_done = [strand = strand_, shared](Result<ReplySummary> outcome) {
    strand->post([shared, outcome = std::move(outcome)] { shared->on_done(outcome); });
  };
  return ReplyRun::start(*parts_.llm, *parts_.tts, *parts_.pool, std::move(job), std::move(posted));
}

void LiveSession::report_played(std::int64_t response, std::size_t samples) {
  const bool open = reply_ && (reply_->open || reply_->bridged) && reply_->response == response;
  const bool speaks_aside = aside_ && aside_->open && aside_->response == response;
  if (closed_ || (!open && !speaks_aside)) return;
  pacer_.report_played(samples, strand_->now());
  if (open && reply_->open && samples > 0) reply_->trace.mark(TurnStage::kPlayed, strand_->now());
  arm_output();
}

}  // namespace morgan::dialogue::live
