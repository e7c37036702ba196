#include "engines/tts/speech_loop.h"

#include "engines/tts/piece_shaper.h"
#include "text/normalize.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace morgan::engines {

namespace {

/// In a request that follows another the listener has something to hear already, so its first piece may be longer.
constexpr double kFollowing = 2.5;

PlanOptions plan_for(const TtsRequest& request, PlanOptions plan) {
  plan.continues = request.continues;
  if (request.follows) plan.first_chars = static_cast<std::size_t>(static_cast<double>(plan.first_chars) * kFollowing);
  return plan;
}

/// From places in the piece and in the raw samples to places in the text and in the shaped ones.
std::vector<WordSpan> shifted(std::vector<WordSpan> spans, std::size_t first_word, const ShapedPiece& shaped) {
  const auto place = [&shaped](std::size_t sample) {
    return std::min(sample > shaped.skipped ? sample - shaped.skipped : 0, shaped.sound_end);
  };
  for (WordSpan& span : spans) {
    span.word += static_cast<std::uint32_t>(first_word);
    span.begin = place(span.begin);
    span.end = place(span.end);
  }
  // What is heard at the edges is the first and the last word: the model's sounds spread over its frames' edges.
  if (!spans.empty()) {
    spans.front().begin = std::min(spans.front().begin, shaped.sound_begin);
    spans.back().end = shaped.sound_end;
  }
  return spans;
}

Result<void> hand_over(const SpeechChunk& chunk, const TimedSink& sink, const StopToken& stop) {
  if (stop.stop_requested()) return fail(stop.error());
  if (sink(chunk)) return {};
  return fail(ErrorCode::kCancelled, "the listener left before the end of the speech");
}

}  // namespace

Result<void> speak(const TtsRequest& request, const SpeechJob& job, const RenderPiece& render, const TimedSink& sink,
                   const StopToken& stop) {
  const bool english = job.voice.language.starts_with("en");
  const std::string spoken = english ? text::normalize_for_speech(request.text) : text::strip_markup(request.text);
  const std::vector<SpeechPiece> pieces = plan_pieces(spoken, plan_for(request, job.plan));
  WordTeller teller(request.text, spoken);
  constexpr std::size_t kBehindAll = std::numeric_limits<std::size_t>::max();
  for (std::size_t p = 0; p < pieces.size(); ++p) {
    if (stop.stop_requested()) return fail(stop.error());
    MORGAN_TRY(auto runs, render(pieces[p].text));
    const std::size_t next_piece = p + 1 < pieces.size() ? pieces[p + 1].first_word : kBehindAll;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const bool last = i + 1 == runs.size();
      ShapeOptions shape;
      shape.rate_hz = job.voice.sample_rate_hz;
      shape.gain = job.gain;
      shape.level_db = job.level_db;
      shape.speed = request.speed;
      shape.end = last ? pieces[p].end : PieceEnd::kPhrase;
      const ShapedPiece shaped = shape_piece(runs[i].samples, shape);
      if (shaped.samples.empty()) continue;
      const auto spans = shifted(std::move(runs[i].words), pieces[p].first_word, shaped);
      const std::size_t next = last ? next_piece : spans.empty() ? 0 : spans.back().word;
      MORGAN_CHECK_OK(hand_over({shaped.samples, teller.tell(spans, next)}, sink, stop));
    }
  }
  if (auto rest = teller.rest(); !rest.empty()) MORGAN_CHECK_OK(hand_over({{}, std::move(rest)}, sink, stop));
  return {};
}

TimedSink without_words(const TtsSink& sink) {
  return [&sink](const SpeechChunk& chunk) { return chunk.samples.empty() || sink(chunk.samples); };
}

Result<Rendered> rendered(std::vector<onnx::Tensor> outputs, std::span<const std::uint32_t> words) {
  if (outputs.empty()) return fail(ErrorCode::kInternal, "the speech model gave no output");
  auto* samples = std::get_if<std::vector<float>>(&outputs[0].data);
  if (samples == nullptr) return fail(ErrorCode::kInternal, "the speech model gave no samples");
  const bool finite = std::all_of(samples->begin(), samples->end(), [](float sample) { return std::isfinite(sample); });
  if (!finite) return fail(ErrorCode::kInternal, "the speech model gave samples that are no numbers");
  const auto* frames = outputs.size() > 1 ? std::get_if<std::vector<float>>(&outputs[1].data) : nullptr;
  auto spans = word_spans(words, frames != nullptr ? std::span<const float>(*frames) : std::span<const float>(),
                          samples->size());
  return Rendered{std::move(*samples), std::move(spans)};
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

Result<void> check_first_run(const Result<std::vector<Rendered>>& runs, const std::filesystem::path& model) {
  if (!runs && runs.error().code != ErrorCode::kInternal) return fail(runs.error());
  if (!runs)
    return fail(ErrorCode::kCorrupt, "the model file " + model.string() + " cannot speak: " + runs.error().message);
  if (runs->empty() || runs->front().samples.empty()) {
    return fail(ErrorCode::kCorrupt, "the model file " + model.string() + " gave no sound for a word");
  }
  return {};
}

}  // namespace morgan::engines
