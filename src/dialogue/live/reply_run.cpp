#include "dialogue/live/reply_run.h"

#include "base/log.h"
#include "base/strings.h"
#include "dialogue/prompt.h"

#include <chrono>

namespace morgan::dialogue::live {

namespace {

/// A stop token cannot wake a waiter, so a waiter looks at it this often.
constexpr std::chrono::milliseconds kStopCheck{20};

text::SplitOptions live_split() {
  text::SplitOptions options;
  options.eager = true;
  return options;
}

}  // namespace

ReplyRun::ReplyRun(engines::LlmEngine& llm, engines::TtsEngine& tts, ReplyJob job, ReplySink sink)
    : llm_(llm), tts_(tts), job_(std::move(job)), sink_(std::move(sink)) {}

Result<std::shared_ptr<ReplyRun>> ReplyRun::start(engines::LlmEngine& llm, engines::TtsEngine& tts,
                                                  runtime::BlockingPool& pool, ReplyJob job, ReplySink sink) {
  auto run = std::make_shared<ReplyRun>(llm, tts, std::move(job), std::move(sink));
  // Either thread keeps the run alive. Under the lock, so that neither begins without the other.
  const std::scoped_lock lock(run->mutex_);
  MORGAN_CHECK_OK(pool.run([run] { run->write(); }));
  if (auto speaking = pool.run([run] { run->speak(); }); !speaking) {
    run->told_ = true;  // the caller has the error
    run->stop_.request_stop(StopReason::kOverload);
    return fail(std::move(speaking).error());
  }
  return run;
}

void ReplyRun::cancel() {
  stop_.request_stop(StopReason::kBargeIn);
  changed_.notify_all();
}

void ReplyRun::take_back() {
  cancel();
  Undo undo;
  {
    const std::scoped_lock lock(mutex_);
    taken_back_ = true;
    undo = std::exchange(undo_, {});
  }
  for (const auto& each : undo)
    each();
}

void ReplyRun::keep_undo(Undo undo) {
  {
    const std::scoped_lock lock(mutex_);
    if (!taken_back_) undo_ = std::exchange(undo, {});
  }
  for (const auto& each : undo)
    each();
}

void ReplyRun::consumed(std::size_t samples) {
  {
    const std::scoped_lock lock(mutex_);
    ahead_ -= std::min(ahead_, samples);
  }
  changed_.notify_all();
}

void ReplyRun::write() {
  {
    const std::scoped_lock lock(mutex_);
    if (told_) return;
  }
  if (!job_.fixed_text.empty()) return say(job_.fixed_text, {});
  Recollection recollection = recollect();
  if (!recollection.answer.empty()) return say(recollection.answer, {});
  engines::ChatRequest request;
  request.messages = job_.prompt;
  if (!request.messages.empty())
    request.messages.back().content = with_facts(request.messages.back().content, recollection.facts);
  request.max_tokens = job_.max_tokens;
  request.temperature = job_.temperature;
  request.tools = job_.tools;
  request.tool_choice = job_.tool_choice;
  ReplySummary summary;
  summary.recalled = std::move(recollection.facts);
  if (job_.use_tools && !stop_.token().stop_requested()) {
    auto used = job_.use_tools(stop_.token());
    if (!used) return end_writing(fail(std::move(used).error()));
    keep_undo(std::move(used->undo));
    for (const tools::ToolCall& call : used->calls)
      summary.own_tools.push_back(call.tool);
    if (!used->spoken.empty()) return say(used->spoken, std::move(summary));
    if (!request.messages.empty()) request.messages.back().content += used->data;
  }
  write_by(std::move(request), std::move(summary));
}

void ReplyRun::say(const std::string& text, ReplySummary summary) {
  text::StreamingSplitter splitter(live_split());
  sink_.on_text(text);
  if (job_.speak) {
    for (std::string& piece : splitter.push(text))
      push_piece(std::move(piece));
    for (std::string& piece : splitter.finish())
      push_piece(std::move(piece));
  }
  summary.text = text;
  end_writing(std::move(summary));
}

void ReplyRun::write_by(engines::ChatRequest request, ReplySummary summary) {
  text::StreamingSplitter splitter(live_split());
  const auto take = [&](std::string_view delta) {
    if (delta.empty()) return !stop_.token().stop_requested();
    sink_.on_text(std::string(delta));
    if (!job_.speak) return !stop_.token().stop_requested();
    for (std::string& piece : splitter.push(delta))
      push_piece(std::move(piece));
    return !stop_.token().stop_requested();
  };
  bool streamed = false;
  auto reply = llm_.chat(
      request,
      [&](std::string_view delta) {
        streamed = streamed || !delta.empty();
        return take(delta);
      },
      stop_.token());
  if (!reply) return end_writing(fail(std::move(reply).error()));
  if (!streamed) take(reply->text);  // an upstream that does not stream
  for (std::string& piece : splitter.finish())
    push_piece(std::move(piece));
  if (trim(reply->text).empty() && reply->tool_calls.empty())
    return end_writing(fail(ErrorCode::kUnavailable, "the language model gave an empty answer"));
  summary.text = std::move(reply->text);
  summary.usage = reply->usage;
  summary.tool_calls = std::move(reply->tool_calls);
  summary.cut = reply->finish_reason == "length";
  end_writing(std::move(summary));
}

Recollection ReplyRun::recollect() {
  if (!job_.recollect) return {};
  auto recollection = job_.recollect(stop_.token());
  if (recollection) return std::move(*recollection);
  // The answer is made without.
  if (!stop_.token().stop_requested()) {
    log::warn("dialogue", "memory could not be asked", {{"why", recollection.error().message}});
  }
  return {};
}

void ReplyRun::push_piece(std::string piece) {
  std::unique_lock lock(mutex_);
  while (pieces_.size() >= kMostPieces && !stop_.token().stop_requested())
    changed_.wait_for(lock, kStopCheck);
  pieces_.push_back(std::move(piece));
  changed_.notify_all();
}

void ReplyRun::end_writing(Result<ReplySummary> outcome) {
  {
    const std::scoped_lock lock(mutex_);
    written_ = true;
    outcome_ = std::move(outcome);
    changed_.notify_all();
  }
  finish_if_both_ended();
}

void ReplyRun::speak() {
  const StopToken stop = stop_.token();
  for (bool follows = false;; follows = true) {
    std::string piece;
    bool last = false;
    {
      std::unique_lock lock(mutex_);
      while (pieces_.empty() && !written_ && !stop.stop_requested())
        changed_.wait_for(lock, kStopCheck);
      if (stop.stop_requested() || pieces_.empty()) break;
      piece = std::move(pieces_.front());
      pieces_.pop_front();
      last = written_ && pieces_.empty();
      changed_.notify_all();
    }
    if (!speak_piece(piece, follows, !last)) break;
  }
  {
    const std::scoped_lock lock(mutex_);
    spoken_ = true;
  }
  finish_if_both_ended();
}

bool ReplyRun::speak_piece(const std::string& piece, bool follows, bool continues) {
  sink_.on_piece(piece);
  const auto take = [this](const engines::SpeechChunk& chunk) {
    if (!wait_for_room()) return false;
    {
      const std::scoped_lock lock(mutex_);
      ahead_ += chunk.samples.size();
    }
    sink_.on_audio(std::vector<float>(chunk.samples.begin(), chunk.samples.end()), chunk.words);
    return true;
  };
  engines::TtsRequest request;
  request.text = piece;
  request.voice = job_.voice.name;
  request.speed = job_.speed;
  request.follows = follows;
  request.continues = continues;
  auto spoken = tts_.synthesize_timed(request, take, stop_.token());
  if (spoken) return true;
  const std::scoped_lock lock(mutex_);
  if (!stop_.token().stop_requested()) {
    speech_error_ = std::move(spoken).error();
    stop_.request_stop(StopReason::kClientGone);  // nobody will hear what is still written
  }
  return false;
}

bool ReplyRun::wait_for_room() {
  const auto most = static_cast<std::size_t>(kMostAheadSeconds) * static_cast<std::size_t>(job_.voice.sample_rate_hz);
  std::unique_lock lock(mutex_);
  while (ahead_ >= most && !stop_.token().stop_requested())
    changed_.wait_for(lock, kStopCheck);
  return !stop_.token().stop_requested();
}

void ReplyRun::finish_if_both_ended() {
  std::optional<Result<ReplySummary>> outcome;
  {
    const std::scoped_lock lock(mutex_);
    if (!written_ || !spoken_ || told_) return;
    told_ = true;
    if (speech_error_) {
      outcome = fail(*speech_error_);
    } else if (stop_.token().stop_requested()) {
      outcome = fail(stop_.token().error());
    } else {
      outcome = std::move(*outcome_);
    }
  }
  sink_.on_done(std::move(*outcome));
}

}  // namespace morgan::dialogue::live
