#include "engines/stt/whisper_cpp_stt.h"

#include "base/log.h"
#include "base/strings.h"
#include "engines/compute_thread.h"
#include "engines/ggml/cpu_products.h"
#include "engines/stt/engine_gate.h"
#include "engines/stt/int8_backend.h"
#include "engines/stt/speech_windows.h"
#include "engines/stt/whisper_decoder.h"
#include "engines/stt/whisper_words.h"

#include <fmt/format.h>
#include <whisper.h>

#include <functional>
#include <optional>

// In Morgan's copy of whisper.cpp (deps/whisper_edits.cmake): makes a backend for each state, beside the CPU's.
extern "C" ggml_backend* (*morgan_whisper_accelerator)();

namespace morgan::engines {

namespace {

constexpr std::size_t kGuesses = 5;
/// Enough to name a language; more only takes longer.
constexpr std::size_t kDetectSamples = std::size_t{10} * audio::kSpeechRate;

void forward_log(ggml_log_level /*level*/, const char* text, void* /*data*/) {
  if (log::enabled(log::Level::kDebug)) log::debug("whisper", trim(text));
}

struct ContextDeleter {
  void operator()(whisper_context* context) const { whisper_free(context); }
};

using WhisperContext = std::unique_ptr<whisper_context, ContextDeleter>;

/// Made once: whisper.cpp goes through all of them to find one, and /health and /status name them.
const std::vector<std::string>& language_codes() {
  static const std::vector<std::string> kCodes = [] {
    std::vector<std::string> codes;
    for (int id = 0; id <= whisper_lang_max_id(); ++id)
      codes.emplace_back(whisper_lang_str(id));
    return codes;
  }();
  return kCodes;
}

/// "" for detection; else the ISO 639-1 code of "en", "en-US", "English".
Result<std::string> parse_language(const std::string& asked, bool multilingual) {
  std::string name = to_lower_ascii(trim(asked));
  if (name.empty() || name == "auto") return std::string();
  if (const std::size_t region = name.find_first_of("-_"); region == 2) name.resize(2);
  const int id = whisper_lang_id(name.c_str());
  if (id < 0) {
    return fail(
        {ErrorCode::kInvalidArgument,
         fmt::format("language '{}' is not one that Whisper knows{}", asked, did_you_mean(name, language_codes())),
         "LANGUAGE_NOT_SUPPORTED", "language"});
  }
  const std::string code = whisper_lang_str(id);
  if (!multilingual && code != "en") {
    return fail({ErrorCode::kInvalidArgument,
                 fmt::format("the loaded Whisper model knows English only, not '{}'", asked), "LANGUAGE_NOT_SUPPORTED",
                 "language"});
  }
  return code;
}

void summarize(Transcript& transcript) {
  double weight = 0;
  double confidence = 0;
  for (const SttSegment& segment : transcript.segments) {
    if (!transcript.text.empty()) transcript.text += ' ';
    transcript.text += segment.text;
    const double seconds = std::max(0.01, segment.end_seconds - segment.start_seconds);
    weight += seconds;
    confidence += seconds * static_cast<double>(segment.confidence);
  }
  transcript.confidence = weight > 0 ? static_cast<float>(confidence / weight) : 0.0F;
}

class WhisperCppStt final : public SttEngine {
 public:
  WhisperCppStt(WhisperOptions options, WhisperContext context, std::unique_ptr<WhisperDecoder> decoder, VadEngine* vad)
      : options_(std::move(options)),
        context_(std::move(context)),
        decoder_(std::move(decoder)),
        vad_(vad),
        gate_(options_.queue_limit) {}

  Result<Transcript> transcribe(audio::PcmView pcm, const SttRequest& request, const StopToken& stop) override {
    MORGAN_CHECK_OK(check_rate(pcm));
    MORGAN_TRY(const std::string language, parse_language(request.language, multilingual()));
    Transcript transcript;
    transcript.duration_seconds = pcm.seconds();
    const bool look = request.use_vad && !request.trusted_speech;
    MORGAN_TRY(std::vector<SpeechWindow> windows, speech_windows(look ? vad_ : nullptr, pcm));
    if (!look && !request.trusted_speech && vad_ != nullptr) {
      MORGAN_TRY(const bool any, may_hold_speech(*vad_, pcm));
      if (!any) windows.clear();
    }
    transcript.language = language.empty() ? "en" : language;
    if (windows.empty()) transcript.language_probability = 0;

    std::string spoken = language;
    for (const SpeechWindow& window : windows) {
      // The gate is passed for each window, so a live turn waits for one window of a long file, not for all.
      MORGAN_TRY(const EngineGate::Pass pass, gate_.enter(request.priority, stop));
      const auto begin = std::chrono::steady_clock::now();
      const std::span<const float> samples = pcm.samples.subspan(window.begin, window.end - window.begin);
      MORGAN_TRY(WhisperDecoder::Window decoded,
                 compute<WhisperDecoder::Window>([&] { return decoder_->decode(samples, spoken, request, stop); }));
      transcript.refused = transcript.refused || decoded.refused;
      transcript.engine_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      if (spoken.empty() && !decoded.segments.empty()) {
        // The first words decide for the recording, as in Whisper's own transcription.
        spoken = decoded.language;
        transcript.language = decoded.language;
        transcript.language_probability = decoded.language_probability;
      }
      for (SttSegment& segment : decoded.segments) {
        shift(segment, static_cast<double>(window.begin) / audio::kSpeechRate);
        transcript.segments.push_back(std::move(segment));
        if (request.on_segment) request.on_segment(transcript.segments.back());
      }
      const bool last = &window == &windows.back();  // told below, with the silence behind it
      if (request.on_progress && !last)
        request.on_progress(static_cast<double>(window.end) / static_cast<double>(pcm.samples.size()));
    }
    if (request.on_progress) request.on_progress(1.0);
    summarize(transcript);
    return transcript;
  }

  Result<std::vector<LanguageGuess>> detect_language(audio::PcmView pcm, const StopToken& stop) override {
    MORGAN_CHECK_OK(check_rate(pcm));
    if (!multilingual()) return fail(ErrorCode::kUnsupported, "the loaded Whisper model knows English only");
    MORGAN_TRY(const std::vector<SpeechWindow> windows, speech_windows(vad_, pcm));
    if (windows.empty()) return std::vector<LanguageGuess>{};
    const SpeechWindow& first = windows.front();
    MORGAN_TRY(const EngineGate::Pass pass, gate_.enter(SttPriority::kBatch, stop));
    const auto heard = pcm.samples.subspan(first.begin, std::min(first.end - first.begin, kDetectSamples));
    MORGAN_TRY(std::vector<LanguageGuess> guesses,
               compute<std::vector<LanguageGuess>>([&] { return decoder_->detect(heard, stop); }));
    guesses.resize(std::min(guesses.size(), kGuesses));
    return guesses;
  }

  EngineInfo info() const override {
    EngineInfo info{"stt", "whisper.cpp", options_.model_name, "", {"en"}, false};
    info.detail = fmt::format("Whisper {}, {}", whisper_model_type_readable(context_.get()),
                              multilingual() ? "multilingual" : "English");
    if (multilingual()) info.languages = language_codes();
    return info;
  }

  /// The first run allocates and pages the weights in: better now than at the first word.
  Result<void> warm_up() {
    return compute<void>([this] { return decoder_->warm_up(); });
  }

 private:
  /// By the holder of the gate's pass.
  template <typename T>
  Result<T> compute(const std::function<Result<T>()>& work) {
    std::optional<Result<T>> result;
    compute_.run([&] { result = work(); });
    return std::move(*result);
  }

  bool multilingual() const { return whisper_is_multilingual(context_.get()) != 0; }

  static Result<void> check_rate(audio::PcmView pcm) {
    if (pcm.rate_hz == audio::kSpeechRate) return {};
    return fail(ErrorCode::kInvalidArgument, fmt::format("transcription needs 16000 Hz, not {}", pcm.rate_hz));
  }

  WhisperOptions options_;
  WhisperContext context_;
  std::unique_ptr<WhisperDecoder> decoder_;  // used by the holder of the gate's pass only
  VadEngine* vad_;                           // not owned; may be null
  EngineGate gate_;
  ComputeThread compute_;  // last: it uses the decoder
};

}  // namespace

Result<std::unique_ptr<SttEngine>> load_whisper(const WhisperOptions& options, VadEngine* vad) {
  if (!std::filesystem::is_regular_file(options.model)) {
    return fail(ErrorCode::kNotFound, "there is no model file " + options.model.string());
  }
  whisper_log_set(forward_log, nullptr);
  morgan_whisper_accelerator = make_int8_backend;
  use_block_products();
  whisper_context_params params = whisper_context_default_params();
  params.use_gpu = options.gpu;
  // On the CPU only: elsewhere it hears what the previous call left behind a cut audio_ctx (docs/gotchas.md).
  params.flash_attn = !params.use_gpu;
  WhisperContext context(whisper_init_from_file_with_params_no_state(options.model.c_str(), params));
  if (!context) {
    return fail(
        ErrorCode::kCorrupt,
        options.model.string() + " is damaged or not a Whisper model in ggml form; `morgan models verify` checks it");
  }
  MORGAN_TRY(std::unique_ptr<WhisperDecoder> decoder, WhisperDecoder::create(context.get(), options.threads));
  auto engine = std::make_unique<WhisperCppStt>(options, std::move(context), std::move(decoder), vad);
  MORGAN_CHECK_OK(engine->warm_up());
  return std::unique_ptr<SttEngine>(std::move(engine));
}

}  // namespace morgan::engines
