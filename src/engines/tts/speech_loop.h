// The way from a request to the sink that Piper and Kokoro share: check, normalize, plan, then piece by
// piece render, shape, hand over. Private to tts/.
#pragma once

#include "engines/onnx/ort_session.h"
#include "engines/tts/piece_planner.h"
#include "engines/tts/tts_engine.h"
#include "engines/tts/word_times.h"

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::engines {

/// Raw samples of one run of the model, and where in them the words of its piece are.
struct Rendered {
  std::vector<float> samples;
  std::vector<WordSpan> words;
  bool opens = true;   ///< false: goes on, without a seam, where the run before it ended
  bool closes = true;  ///< false: the next run goes on where it ends
  bool last = true;    ///< of the piece
};

/// Takes the runs of a piece one by one.
using TakeRun = std::function<Result<void>(Rendered run)>;

/// One piece of normalized text, in as many runs as the model needs.
/// @param at_once  somebody waits for the first sample: a model that can gives the beginning before the rest is made
using RenderPiece = std::function<Result<void>(const std::string& text, bool at_once, const TakeRun& take)>;

struct SpeechJob {
  Voice voice;
  PlanOptions plan;
  float gain = 1.0F;
  std::optional<double> level_db = {};  ///< as ShapeOptions has it
};

Result<void> speak(const TtsRequest& request, const SpeechJob& job, const RenderPiece& render, const TimedSink& sink,
                   const StopToken& stop);

/// For engines that implement synthesize() by synthesize_timed(): passes on what can be heard.
TimedSink without_words(const TtsSink& sink);

/// Takes the floats out of one of a model's outputs.
/// @error kInternal  another type, or values that are no numbers
Result<std::vector<float>> floats_of(onnx::Tensor& output);

/// Makes a Rendered of a model's outputs: the samples, then, if there are two, how long each symbol is.
/// @param words  as word_spans() has it
/// @error kInternal  there are none, or as floats_of()
Result<Rendered> rendered(std::vector<onnx::Tensor> outputs, std::span<const std::uint32_t> words);

/// @error kCorrupt  the model lacks one of the inputs: it is another kind of model
Result<void> check_inputs(const onnx::Session& session, const std::filesystem::path& model,
                          std::initializer_list<std::string_view> needed);

/// @error kCorrupt  the model failed or was silent; what else prevented the run stays as it is
Result<void> check_first_run(const RenderPiece& render, const std::filesystem::path& model);

}  // namespace morgan::engines
