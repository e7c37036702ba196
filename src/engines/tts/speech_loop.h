// The way from a request to the sink that Piper and Kokoro share: check, normalize, plan, then piece by
// piece render, shape, hand over. Private to tts/.
#pragma once

#include "engines/onnx/ort_session.h"
#include "engines/tts/piece_planner.h"
#include "engines/tts/tts_engine.h"

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::engines {

/// Raw samples of one piece of normalized text, in as many runs as the model needs.
using RenderPiece = std::function<Result<std::vector<std::vector<float>>>(const std::string& text)>;

struct SpeechJob {
  Voice voice;
  PlanOptions plan;
  float gain = 1.0F;
};

Result<void> speak(const TtsRequest& request, const SpeechJob& job, const RenderPiece& render, const TtsSink& sink,
                   const StopToken& stop);

/// The floats of a model's only output.
/// @error kInternal  another type, or samples that are no numbers
Result<std::vector<float>> samples_of(std::vector<onnx::Tensor> outputs);

/// @error kCorrupt  the model lacks one of the inputs: it is another kind of model
Result<void> check_inputs(const onnx::Session& session, const std::filesystem::path& model,
                          std::initializer_list<std::string_view> needed);

/// @error kCorrupt  the model failed or was silent; what else prevented the run stays as it is
Result<void> check_first_run(const Result<std::vector<std::vector<float>>>& runs, const std::filesystem::path& model);

}  // namespace morgan::engines
