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

/// At 0.03 of real time a first piece of two seconds is heard after some 50 ms, and any length may follow it.
constexpr PlanOptions kPlan{.first_chars = 36, .growth = 10, .max_chars = 300};

/// Marks as at training: . , ! ? ; : behind a sound. Dashes and brackets become commas, quotes nothing.
std::string piper_marks(std::string_view phonemes) {
  constexpr std::string_view kMarks = ".,!?;:";
  std::string out;
  bool after_mark = true;
  for (const char32_t code : code_points(phonemes)) {
    char mark = '\0';
    if (code == '"' || code == 0x201C || code == 0x201D) continue;
    if (code == 0x2014 || code == '(' || code == ')') mark = ',';
    if (code == 0x2026) mark = '.';
    if (code < 0x80 && kMarks.find(static_cast<char>(code)) != std::string_view::npos) mark = static_cast<char>(code);
    if (mark != '\0') {
      while (!out.empty() && out.back() == ' ')
        out.pop_back();
      if (after_mark && !out.empty() && out.back() == ',') out.back() = mark;
      if (!after_mark) out += mark;
      after_mark = true;
    } else if (code == ' ') {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else {
      if (after_mark && !out.empty() && out.back() != ' ') out += ' ';
      append_code_point(out, code);
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
    MORGAN_CHECK_OK(check_speed(request.speed));
    MORGAN_TRY(const Voice voice, find_voice(request.voice));
    const auto render = [&](const std::string& text) { return this->render(text, request.speed); };
    return speak(request, SpeechJob{voice, kPlan, kGain}, render, sink, stop);
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

  Result<std::vector<std::vector<float>>> render(const std::string& text, double speed) {
    MORGAN_TRY(std::string phonemes, phonemize(text, config_.espeak_voice, PhonemeTies::kNone));
    phonemes = piper_marks(phonemes);
    if (!has_sound(phonemes)) return std::vector<std::vector<float>>{};
    std::vector<std::int64_t> ids = piper_ids(config_, phonemes);
    const auto count = static_cast<std::int64_t>(ids.size());
    const float length = config_.length_scale / static_cast<float>(speed);
    std::array<onnx::NamedTensor, 3> inputs{
        onnx::NamedTensor{"input", {std::move(ids), {1, count}}},
        onnx::NamedTensor{"input_lengths", {std::vector<std::int64_t>{count}, {1}}},
        onnx::NamedTensor{"scales", {std::vector<float>{config_.noise_scale, length, config_.noise_w}, {3}}}};
    static constexpr std::array<const char*, 1> kOutputs{"output"};
    MORGAN_TRY(auto outputs, session_->run(inputs, kOutputs));
    MORGAN_TRY(auto samples, samples_of(std::move(outputs)));
    std::vector<std::vector<float>> runs;
    runs.push_back(std::move(samples));
    return runs;
  }

 private:
  std::unique_ptr<onnx::Session> session_;
  PiperConfig config_;
  std::string model_name_;
  int threads_;
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
  MORGAN_TRY(auto session, onnx::Session::open(options.model, session_options));
  MORGAN_CHECK_OK(check_inputs(*session, options.model, {"input", "input_lengths", "scales"}));
  auto engine = std::make_unique<PiperTts>(std::move(session), std::move(config), options);
  // A first run is slower than the others, and shows that model and configuration belong together.
  MORGAN_CHECK_OK(check_first_run(engine->render("Oh.", 1.0), options.model));
  return std::unique_ptr<TtsEngine>(std::move(engine));
}

}  // namespace morgan::engines
