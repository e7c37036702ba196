#include "engines/tts/piper_tts.h"

#include "engines/onnx/ort_session.h"
#include "engines/tts/phonemizer.h"
#include "engines/tts/piper_config.h"
#include "engines/tts/speech_loop.h"
#include "engines/tts/voice_list.h"

#include <algorithm>
#include <array>

namespace morgan::engines {

namespace {

/// Brings the voice to the level of the others; its own peaks are near full scale.
constexpr float kGain = 0.6F;

/// Where that gain puts joe on the average of 98 pieces (bench/speech_bench.cpp).
constexpr double kLevelDb = -25.4;

/// At 0.03 of real time a first piece of two seconds is heard after some 50 ms, and any length may follow it.
constexpr PlanOptions kPlan{.first_chars = 36, .growth = 10, .max_chars = 300};

/// How many frames of 256 samples the model makes of each id: inside the graph of every voice that Piper's own
/// script has exported.
/// @source piper, infer of models.py: w_ceil = torch.ceil(w)
constexpr const char* kFramesOutput = "/Ceil_output_0";

/// Marks as at training: . , ! ? ; : behind a sound. Dashes and brackets become commas, quotes nothing.
Phonemes piper_marks(const Phonemes& phonemes) {
  constexpr std::u32string_view kMarks = U".,!?;:";
  Phonemes out;
  bool after_mark = true;
  const auto last_is = [&out](char32_t code) { return !out.codes.empty() && out.codes.back() == code; };
  for (std::size_t i = 0; i < phonemes.codes.size(); ++i) {
    const char32_t code = phonemes.codes[i];
    const std::uint32_t word = phonemes.words[i];
    char32_t mark = 0;
    if (code == '"' || code == 0x201C || code == 0x201D) continue;
    if (code == 0x2014 || code == '(' || code == ')') mark = ',';
    if (code == 0x2026) mark = '.';
    if (kMarks.find(code) != std::u32string_view::npos) mark = code;
    if (mark != 0) {
      while (last_is(' '))
        out.drop_last();
      if (after_mark && last_is(',')) out.codes.back() = mark;
      if (!after_mark) out.append(mark, word);
      after_mark = true;
    } else if (code == ' ') {
      if (!out.codes.empty() && !last_is(' ')) out.append(' ', word);
    } else {
      if (after_mark && !out.codes.empty() && !last_is(' ')) out.append(' ', word);
      out.append(code, word);
      after_mark = false;
    }
  }
  return out;
}

class PiperTts final : public TtsEngine {
 public:
  PiperTts(std::unique_ptr<onnx::Session> session, PiperConfig config, const PiperOptions& options)
      : session_(std::move(session)),
        config_(std::move(config)),
        model_name_(options.model_name),
        threads_(options.threads) {
    const std::vector<std::string> names = session_->output_names();
    if (std::find(names.begin(), names.end(), kFramesOutput) != names.end()) outputs_.push_back(kFramesOutput);
    Voice voice;
    voice.name = options.voice_name;
    voice.language = config_.language;
    voice.gender = options.gender;
    voice.sample_rate_hz = config_.sample_rate_hz;
    voice.description = "Piper " + options.model.stem().string();
    voice.backend = "piper";
    voices_.push_back(std::move(voice));
  }

  std::vector<Voice> voices() const override { return voices_; }

  Result<Voice> find_voice(const std::string& name) const override {
    return voice_named(voices_, name, voices_[0].name);
  }

  Result<void> synthesize(const TtsRequest& request, const TtsSink& sink, const StopToken& stop) override {
    return synthesize_timed(request, without_words(sink), stop);
  }

  Result<void> synthesize_timed(const TtsRequest& request, const TimedSink& sink, const StopToken& stop) override {
    MORGAN_CHECK_OK(check_speed(request.speed));
    MORGAN_TRY(const Voice voice, find_voice(request.voice));
    const auto render = [&](const std::string& text) { return this->render(text, request.speed); };
    return speak(request, SpeechJob{voice, kPlan, kGain, kLevelDb}, render, sink, stop);
  }

  std::vector<EngineInfo> info() const override {
    EngineInfo info;
    info.role = "tts";
    info.backend = "piper";
    info.model = model_name_;
    info.detail = "voice " + voices_[0].name + ", " + std::to_string(config_.sample_rate_hz) + " Hz, " +
                  std::to_string(threads_) + " threads";
    info.languages = {voices_[0].language};
    return {info};
  }

  Result<std::vector<Rendered>> render(const std::string& text, double speed) {
    MORGAN_TRY(const Phonemes spoken, phonemize(text, config_.espeak_voice, PhonemeTies::kNone));
    const Phonemes phonemes = piper_marks(spoken);
    std::vector<Rendered> runs;
    if (!phonemes.has_sound()) return runs;
    PiperInput input = piper_input(config_, phonemes);
    const auto count = static_cast<std::int64_t>(input.ids.size());
    const float length = config_.length_scale / static_cast<float>(speed);
    std::array<onnx::NamedTensor, 3> inputs{
        onnx::NamedTensor{"input", {std::move(input.ids), {1, count}}},
        onnx::NamedTensor{"input_lengths", {std::vector<std::int64_t>{count}, {1}}},
        onnx::NamedTensor{"scales", {std::vector<float>{config_.noise_scale, length, config_.noise_w}, {3}}}};
    MORGAN_TRY(auto outputs, session_->run(inputs, outputs_));
    MORGAN_TRY(auto run, rendered(std::move(outputs), input.words));
    runs.push_back(std::move(run));
    return runs;
  }

 private:
  std::unique_ptr<onnx::Session> session_;
  PiperConfig config_;
  std::string model_name_;
  int threads_;
  std::vector<const char*> outputs_{"output"};
  std::vector<Voice> voices_;  // one
};

}  // namespace

Result<std::unique_ptr<TtsEngine>> load_piper(const PiperOptions& options) {
  std::filesystem::path configuration = options.model;
  configuration += ".json";
  MORGAN_TRY(PiperConfig config, load_piper_config(configuration));
  onnx::SessionOptions session_options;
  session_options.threads = options.threads;
  session_options.graph_cache = options.graph_cache;
  session_options.more_outputs = {kFramesOutput};
  MORGAN_TRY(auto session, onnx::Session::open(options.model, session_options));
  MORGAN_CHECK_OK(check_inputs(*session, options.model, {"input", "input_lengths", "scales"}));
  auto engine = std::make_unique<PiperTts>(std::move(session), std::move(config), options);
  // A first run is slower than the others, and shows that model and configuration belong together.
  MORGAN_CHECK_OK(check_first_run(engine->render("Oh.", 1.0), options.model));
  return std::unique_ptr<TtsEngine>(std::move(engine));
}

}  // namespace morgan::engines
