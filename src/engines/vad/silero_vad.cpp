#include "engines/vad/silero_vad.h"

#include "engines/onnx/ort_session.h"

#include <array>

namespace morgan::engines {

namespace {

constexpr std::size_t kContextSamples = 64;  ///< of the frame before, put in front of each frame
constexpr std::int64_t kStateValues = 128;
constexpr std::array<const char*, 2> kOutputs{"output", "stateN"};

class SileroStream final : public VadStream {
 public:
  explicit SileroStream(onnx::Session* session) : session_(session) { SileroStream::reset(); }

  Result<float> push(std::span<const float> frame) override {
    if (frame.size() != VadEngine::kFrameSamples) {
      return fail(ErrorCode::kInvalidArgument,
                  "a voice activity frame must have 512 samples, but has " + std::to_string(frame.size()));
    }
    std::vector<float> input(context_.begin(), context_.end());
    input.insert(input.end(), frame.begin(), frame.end());
    const auto width = static_cast<std::int64_t>(input.size());
    std::copy(frame.end() - kContextSamples, frame.end(), context_.begin());
    const std::array<onnx::NamedTensor, 3> inputs{{{"input", {std::move(input), {1, width}}},
                                                   {"state", {state_, {2, 1, kStateValues}}},
                                                   {"sr", {std::vector<std::int64_t>{audio::kSpeechRate}, {}}}}};
    MORGAN_TRY(auto outputs, session_->run(inputs, kOutputs));
    state_ = std::get<std::vector<float>>(std::move(outputs[1].data));
    return std::get<std::vector<float>>(outputs[0].data).at(0);
  }

  void reset() override {
    state_.assign(2 * kStateValues, 0.0F);
    context_.fill(0.0F);
  }

 private:
  onnx::Session* session_;  // not owned; the engine outlives its streams
  std::vector<float> state_;
  std::array<float, kContextSamples> context_{};
};

class SileroVad final : public VadEngine {
 public:
  explicit SileroVad(std::unique_ptr<onnx::Session> session) : session_(std::move(session)) {}

  std::unique_ptr<VadStream> open() override { return std::make_unique<SileroStream>(session_.get()); }

  EngineInfo info() const override {
    return {"vad", "onnxruntime", "silero-vad", "Silero VAD v6, 16 kHz, 32 ms frames", {}, false};
  }

 private:
  std::unique_ptr<onnx::Session> session_;
};

}  // namespace

Result<std::unique_ptr<VadEngine>> load_silero_vad(const std::filesystem::path& model) {
  MORGAN_TRY(auto session, onnx::Session::open(model, {.threads = 1}));
  auto engine = std::make_unique<SileroVad>(std::move(session));
  // One frame now: a file of another model fails here instead of at the first word, and the first word is fast.
  const std::vector<float> silence(VadEngine::kFrameSamples, 0.0F);
  if (const Result<float> probe = engine->open()->push(silence); !probe) {
    return fail(ErrorCode::kCorrupt, model.string() + " is not the Silero VAD model: " + probe.error().message);
  }
  return std::unique_ptr<VadEngine>(std::move(engine));
}

}  // namespace morgan::engines
