#include "engines/tts/speech_loop.h"

#include "engines/tts/piece_shaper.h"
#include "text/normalize.h"

#include <algorithm>
#include <cmath>

namespace morgan::engines {

Result<void> speak(const TtsRequest& request, const SpeechJob& job, const RenderPiece& render, const TtsSink& sink,
                   const StopToken& stop) {
  const bool english = job.voice.language.starts_with("en");
  const std::string spoken = english ? text::normalize_for_speech(request.text) : text::strip_markup(request.text);
  for (const SpeechPiece& piece : plan_pieces(spoken, job.plan)) {
    if (stop.stop_requested()) return fail(stop.error());
    MORGAN_TRY(const auto runs, render(piece.text));
    for (std::size_t i = 0; i < runs.size(); ++i) {
      ShapeOptions shape;
      shape.rate_hz = job.voice.sample_rate_hz;
      shape.gain = job.gain;
      shape.speed = request.speed;
      shape.end = i + 1 == runs.size() ? piece.end : PieceEnd::kPhrase;
      const std::vector<float> samples = shape_piece(runs[i], shape);
      if (stop.stop_requested()) return fail(stop.error());
      if (!samples.empty() && !sink(samples))
        return fail(ErrorCode::kCancelled, "the listener left before the end of the speech");
    }
  }
  return {};
}

Result<std::vector<float>> samples_of(std::vector<onnx::Tensor> outputs) {
  if (outputs.size() != 1) return fail(ErrorCode::kInternal, "the speech model gave no output");
  auto* samples = std::get_if<std::vector<float>>(&outputs[0].data);
  if (samples == nullptr) return fail(ErrorCode::kInternal, "the speech model gave no samples");
  const bool finite = std::all_of(samples->begin(), samples->end(), [](float sample) { return std::isfinite(sample); });
  if (!finite) return fail(ErrorCode::kInternal, "the speech model gave samples that are no numbers");
  return std::move(*samples);
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

Result<void> check_first_run(const Result<std::vector<std::vector<float>>>& runs, const std::filesystem::path& model) {
  if (!runs && runs.error().code != ErrorCode::kInternal) return fail(runs.error());
  if (!runs)
    return fail(ErrorCode::kCorrupt, "the model file " + model.string() + " cannot speak: " + runs.error().message);
  if (runs->empty() || runs->front().empty()) {
    return fail(ErrorCode::kCorrupt, "the model file " + model.string() + " gave no sound for a word");
  }
  return {};
}

}  // namespace morgan::engines
