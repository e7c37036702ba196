#include "engines/turn/smart_turn.h"

#include "engines/onnx/ort_session.h"
#include "engines/turn/log_mel.h"

#include <array>

namespace morgan::engines {

namespace {

constexpr std::size_t kSamples = 8 * audio::kSpeechRate;
constexpr std::int64_t kFrames = static_cast<std::int64_t>(kSamples) / LogMel::kHop;
constexpr std::array<const char*, 1> kOutputs{"logits"};

class SmartTurn final : public TurnEngine {
 public:
  explicit SmartTurn(std::unique_ptr<onnx::Session> session) : session_(std::move(session)) {}

  Result<float> probability_complete(audio::PcmView pcm) override {
    if (pcm.rate_hz != audio::kSpeechRate) {
      return fail(ErrorCode::kInvalidArgument, "turn detection needs 16000 Hz, not " + std::to_string(pcm.rate_hz));
    }
    // The end of the turn stands at the end of the window; what is missing in front is silence.
    std::vector<float> window(kSamples, 0.0F);
    const std::span<const float> tail = pcm.samples.last(std::min(pcm.samples.size(), kSamples));
    std::copy(tail.begin(), tail.end(), window.end() - static_cast<std::ptrdiff_t>(tail.size()));
    const std::array<onnx::NamedTensor, 1> inputs{
        {{"input_features", {log_mel_.compute(window), {1, LogMel::kBands, kFrames}}}}};
    MORGAN_TRY(const auto outputs, session_->run(inputs, kOutputs));
    // The graph ends in a sigmoid, whatever its output is called.
    return std::get<std::vector<float>>(outputs[0].data).at(0);
  }

  EngineInfo info() const override {
    return {"turn", "onnxruntime", "smart-turn", "Smart Turn v3.2, last 8 s", {}, false};
  }

 private:
  std::unique_ptr<onnx::Session> session_;
  LogMel log_mel_;
};

}  // namespace

Result<std::unique_ptr<TurnEngine>> load_smart_turn(const std::filesystem::path& model) {
  MORGAN_TRY(auto session, onnx::Session::open(model, {.threads = 1}));
  auto engine = std::make_unique<SmartTurn>(std::move(session));
  const std::vector<float> silence(audio::kSpeechRate, 0.0F);
  if (const Result<float> probe = engine->probability_complete({silence, audio::kSpeechRate}); !probe) {
    return fail(ErrorCode::kCorrupt, model.string() + " is not the Smart Turn model: " + probe.error().message);
  }
  return std::unique_ptr<TurnEngine>(std::move(engine));
}

}  // namespace morgan::engines
