#include "engines/tts/kokoro_tts.h"

#include "engines/onnx/ort_session.h"
#include "engines/tts/kokoro_phonemes.h"
#include "engines/tts/kokoro_voices.h"
#include "engines/tts/phonemizer.h"
#include "engines/tts/speech_loop.h"
#include "engines/tts/voice_list.h"

#include <algorithm>
#include <array>

namespace morgan::engines {

namespace {

constexpr float kGain = 1.0F;

/// How many frames of 600 samples the model makes of each token, the zeros at both ends included.
/// @source kokoro, forward of model.py: pred_dur = torch.round(duration).clamp(min=1)
constexpr const char* kFramesOutput = "/encoder/Clip_output_0";

/// At 0.2 of real time on two cores a piece may be thrice as long as what is being heard meanwhile.
constexpr PlanOptions kPlan{.first_chars = 28, .growth = 2.5, .max_chars = 300};

class KokoroTts final : public TtsEngine {
 public:
  KokoroTts(std::unique_ptr<onnx::Session> session, KokoroVocabulary vocabulary, std::unique_ptr<KokoroVoices> voices,
            const KokoroOptions& options)
      : session_(std::move(session)),
        vocabulary_(std::move(vocabulary)),
        voices_(std::move(voices)),
        model_name_(options.model_name),
        default_voice_(options.default_voice),
        threads_(options.threads) {
    const std::vector<std::string> names = session_->output_names();
    if (std::find(names.begin(), names.end(), kFramesOutput) != names.end()) outputs_.push_back(kFramesOutput);
  }

  std::vector<Voice> voices() const override { return voices_->list(); }

  Result<Voice> find_voice(const std::string& name) const override {
    return voice_named(voices_->list(), name, default_voice_);
  }

  Result<void> synthesize(const TtsRequest& request, const TtsSink& sink, const StopToken& stop) override {
    return synthesize_timed(request, without_words(sink), stop);
  }

  Result<void> synthesize_timed(const TtsRequest& request, const TimedSink& sink, const StopToken& stop) override {
    MORGAN_CHECK_OK(check_speed(request.speed));
    MORGAN_TRY(const Voice voice, find_voice(request.voice));
    MORGAN_TRY(const auto style, voices_->style(voice.name));
    const auto render = [&](const std::string& text, bool /*at_once*/, const TakeRun& take) {
      return this->render(text, voice, *style, request.speed, take);
    };
    return speak(request, SpeechJob{voice, kPlan, kGain}, render, sink, stop);
  }

  std::vector<EngineInfo> info() const override {
    EngineInfo info;
    info.role = "tts";
    info.backend = "kokoro";
    info.model = model_name_;
    info.detail = std::to_string(voices_->list().size()) + " voices, default " + default_voice_ + ", 24000 Hz, " +
                  std::to_string(threads_) + " threads";
    info.languages = {"en-US", "en-GB"};
    return {info};
  }

  Result<void> render(const std::string& text, const Voice& voice, const KokoroStyle& style, double speed,
                      const TakeRun& take) {
    const bool british = is_british(voice);
    // espeak-ng knows British English by its file name alone, "en".
    MORGAN_TRY(Phonemes ipa, phonemize(text, british ? "en" : "en-us", PhonemeTies::kCaret));
    if (!ipa.has_sound()) return {};
    const auto runs = vocabulary_.to_tokens(vocabulary_.to_symbols(std::move(ipa), british));
    for (const KokoroTokens& tokens : runs) {
      MORGAN_TRY(auto run, run_model(tokens, style, speed));
      run.last = &tokens == &runs.back();
      MORGAN_CHECK_OK(take(std::move(run)));
    }
    return {};
  }

 private:
  Result<Rendered> run_model(const KokoroTokens& input, const KokoroStyle& style, double speed) {
    std::vector<std::int64_t> tokens{0};
    std::vector<std::uint32_t> words{kNoWord};
    tokens.insert(tokens.end(), input.tokens.begin(), input.tokens.end());
    words.insert(words.end(), input.words.begin(), input.words.end());
    tokens.push_back(0);
    words.push_back(kNoWord);
    const auto count = static_cast<std::int64_t>(tokens.size());
    const std::array<onnx::NamedTensor, 3> inputs{
        onnx::NamedTensor{"tokens", {std::move(tokens), {1, count}}},
        onnx::NamedTensor{"style",
                          {style.row_for(input.tokens.size()), {1, static_cast<std::int64_t>(KokoroStyle::kWidth)}}},
        onnx::NamedTensor{"speed", {std::vector<float>{static_cast<float>(speed)}, {1}}}};
    MORGAN_TRY(auto outputs, session_->run(inputs, outputs_));
    return rendered(std::move(outputs), words);
  }

  std::unique_ptr<onnx::Session> session_;
  KokoroVocabulary vocabulary_;
  std::unique_ptr<KokoroVoices> voices_;
  std::string model_name_;
  std::string default_voice_;
  int threads_;
  std::vector<const char*> outputs_{"audio"};
};

}  // namespace

Result<std::unique_ptr<TtsEngine>> load_kokoro(const KokoroOptions& options) {
  MORGAN_TRY(auto vocabulary, KokoroVocabulary::load(options.vocabulary));
  MORGAN_TRY(auto voices, KokoroVoices::scan(options.voices, options.default_voice));
  MORGAN_CHECK_OK(voices->style(options.default_voice));
  onnx::SessionOptions session_options;
  session_options.threads = options.threads;
  session_options.graph_cache = options.graph_cache;
  session_options.part.outputs = {"audio", kFramesOutput};
  session_options.own_operators = true;
  MORGAN_TRY(auto session, onnx::Session::open(options.model, session_options));
  MORGAN_CHECK_OK(check_inputs(*session, options.model, {"tokens", "style", "speed"}));
  // No run to warm up: the first takes as long as those after it (0.43 s for half a second of speech), which would
  // be a third of Morgan's whole start.
  return std::unique_ptr<TtsEngine>(
      std::make_unique<KokoroTts>(std::move(session), std::move(vocabulary), std::move(voices), options));
}

}  // namespace morgan::engines
