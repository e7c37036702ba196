#include "engines/tts/speech_loop.h"

#include "engines/tts/piece_shaper.h"
#include "text/normalize.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace morgan::engines {

namespace {

/// In a request that follows another the listener has something to hear already, so its first piece may be longer.
constexpr double kFollowing = 2.5;

PlanOptions plan_for(const TtsRequest& request, PlanOptions plan) {
  plan.continues = request.continues;
  if (request.whole) plan.first_chars = plan.max_chars;
  if (request.follows) plan.first_chars = static_cast<std::size_t>(static_cast<double>(plan.first_chars) * kFollowing);
  return plan;
}

/// From places in the piece and in the raw samples to places in the text and in the shaped ones.
std::vector<WordSpan> shifted(std::vector<WordSpan> spans, std::size_t first_word, const ShapedPiece& shaped,
                              const ShapeOptions& shape) {
  const auto place = [&shaped](std::size_t sample) {
    return std::min(sample > shaped.skipped ? sample - shaped.skipped : 0, shaped.sound_end);
  };
  for (WordSpan& span : spans) {
    span.word += static_cast<std::uint32_t>(first_word);
    span.begin = place(span.begin);
    span.end = place(span.end);
  }
  // What is heard at the edges is the first and the last word: the model's sounds spread over its frames' edges.
  if (!spans.empty() && shape.opens) spans.front().begin = std::min(spans.front().begin, shaped.sound_begin);
  if (!spans.empty() && shape.closes) spans.back().end = shaped.sound_end;
  return spans;
}

/// Takes the runs of one request, piece after piece, and hands them over.
class Speaker {
 public:
  Speaker(const TtsRequest& request, const SpeechJob& job, std::string_view spoken, const TimedSink& sink,
          const StopToken& stop)
      : request_(request), job_(job), sink_(sink), stop_(stop), teller_(request.text, spoken) {}

  /// @param next_word  of the spoken text, with which the piece after this one begins
  Result<void> take(Rendered run, const SpeechPiece& piece, std::size_t next_word) {
    ShapeOptions shape;
    shape.rate_hz = job_.voice.sample_rate_hz;
    shape.gain = job_.gain;
    shape.level_db = job_.level_db;
    shape.speed = request_.speed;
    shape.opens = run.opens;
    shape.closes = run.closes;
    shape.end = run.last ? piece.end : PieceEnd::kPhrase;
    const ShapedPiece shaped = shape_piece(run.samples, shape);
    if (shaped.samples.empty()) return {};
    const auto spans = shifted(std::move(run.words), piece.first_word, shaped, shape);
    const std::size_t next = run.last ? next_word : spans.empty() ? 0 : spans.back().word;
    return hand_over({shaped.samples, teller_.tell(spans, next)});
  }

  /// Words that were in no run.
  Result<void> finish() {
    auto rest = teller_.rest();
    if (rest.empty()) return {};
    return hand_over({{}, std::move(rest)});
  }

 private:
  Result<void> hand_over(const SpeechChunk& chunk) {
    if (stop_.stop_requested()) return fail(stop_.error());
    if (sink_(chunk)) return {};
    return fail(ErrorCode::kCancelled, "the listener left before the end of the speech");
  }

  const TtsRequest& request_;
  const SpeechJob& job_;
  const TimedSink& sink_;
  const StopToken& stop_;
  WordTeller teller_;
};

}  // namespace

Result<void> speak(const TtsRequest& request, const SpeechJob& job, const RenderPiece& render, const TimedSink& sink,
                   const StopToken& stop) {
  const bool english = job.voice.language.starts_with("en");
  const std::string spoken = english ? text::normalize_for_speech(request.text) : text::strip_markup(request.text);
  const std::vector<SpeechPiece> pieces = plan_pieces(spoken, plan_for(request, job.plan));
  Speaker speaker(request, job, spoken, sink, stop);
  constexpr std::size_t kBehindAll = std::numeric_limits<std::size_t>::max();
  for (std::size_t p = 0; p < pieces.size(); ++p) {
    if (stop.stop_requested()) return fail(stop.error());
    const std::size_t next = p + 1 < pieces.size() ? pieces[p + 1].first_word : kBehindAll;
    const auto take = [&](Rendered run) { return speaker.take(std::move(run), pieces[p], next); };
    MORGAN_CHECK_OK(render(pieces[p].text, p == 0 && !request.follows && !request.whole, take));
  }
  return speaker.finish();
}

TimedSink without_words(const TtsSink& sink) {
  return [&sink](const SpeechChunk& chunk) { return chunk.samples.empty() || sink(chunk.samples); };
}

Result<std::vector<float>> floats_of(onnx::Tensor& output) {
  auto* values = std::get_if<std::vector<float>>(&output.data);
  if (values == nullptr) return fail(ErrorCode::kInternal, "the speech model gave no samples");
  const bool finite = std::all_of(values->begin(), values->end(), [](float value) { return std::isfinite(value); });
  if (!finite) return fail(ErrorCode::kInternal, "the speech model gave samples that are no numbers");
  return std::exchange(*values, {});
}

Result<Rendered> rendered(std::vector<onnx::Tensor> outputs, std::span<const std::uint32_t> words) {
  if (outputs.empty()) return fail(ErrorCode::kInternal, "the speech model gave no output");
  MORGAN_TRY(auto samples, floats_of(outputs[0]));
  const auto* frames = outputs.size() > 1 ? std::get_if<std::vector<float>>(&outputs[1].data) : nullptr;
  auto spans =
      word_spans(words, frames != nullptr ? std::span<const float>(*frames) : std::span<const float>(), samples.size());
  Rendered run;
  run.samples = std::move(samples);
  run.words = std::move(spans);
  return run;
}

Result<void> check_inputs(const onnx::Session& session, const std::filesystem::path& model,
                          std::initializer_list<std::string_view> needed) {
  const std::vector<std::string> names = session.input_names();
  for (const std::string_view name : needed) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return fail(ErrorCode::kCorrupt, "the model file " + model.string() +
                                           " is no speech model of this kind: it has no input '" + std::string(name) +
                                           "'");
    }
  }
  return {};
}

Result<void> check_first_run(const RenderPiece& render, const std::filesystem::path& model) {
  std::size_t samples = 0;
  const auto count = [&samples](const Rendered& run) {
    samples += run.samples.size();
    return Result<void>();
  };
  const auto ran = render("Oh.", true, count);
  if (!ran && ran.error().code != ErrorCode::kInternal) return fail(ran.error());
  if (!ran)
    return fail(ErrorCode::kCorrupt, "the model file " + model.string() + " cannot speak: " + ran.error().message);
  if (samples > 0) return {};
  return fail(ErrorCode::kCorrupt, "the model file " + model.string() + " gave no sound for a word");
}

}  // namespace morgan::engines
