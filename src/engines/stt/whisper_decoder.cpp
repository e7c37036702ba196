#include "engines/stt/whisper_decoder.h"

#include "base/strings.h"
#include "engines/stt/loudness.h"
#include "engines/stt/whisper_guards.h"
#include "engines/stt/whisper_words.h"

#include <whisper.h>

#include <algorithm>
#include <cmath>

namespace morgan::engines {

namespace {

/// Encoder positions a second of audio has, and those added so that Whisper hears the speech end:
/// measured over a range on recorded sentences (docs/adr/0003).
constexpr double kPositionsPerSecond = 50;
constexpr int kMarginPositions = 128;
/// whisper.cpp refuses less than 0.1 s; a second of silence behind a short word costs nothing.
constexpr std::size_t kShortestSamples = audio::kSpeechRate;
/// A segment that begins later than this before the end is Whisper's invention past the audio.
constexpr double kEndSlackSeconds = 0.05;
constexpr float kTemperatureStep = 0.2F;
constexpr float kSureLanguage = 0.5F;
/// Of a word or two Whisper names any language, at 0.05 to 0.4: "I see." becomes Arabic.
constexpr std::size_t kBriefSamples = std::size_t{2} * audio::kSpeechRate;
constexpr float kSureOfBrief = 0.8F;

float probability_of(const std::string& language, const std::vector<LanguageGuess>& guesses) {
  const auto found = std::find_if(guesses.begin(), guesses.end(),
                                  [&language](const LanguageGuess& guess) { return guess.language == language; });
  return found == guesses.end() ? 0.0F : found->probability;
}

bool abort_requested(void* token) {
  return static_cast<const StopToken*>(token)->stop_requested();
}

/// Whisper goes from the end of its last segment on with another encoding, for which whisper.cpp has no shorter context
/// than for the first. It is stopped there instead, and what is behind goes through a run of its own.
bool first_encoding(whisper_context* /*context*/, whisper_state* /*state*/, void* began) {
  return !std::exchange(*static_cast<bool*>(began), true);
}

/// Fewer samples than this of progress: the next run would hear the same again.
constexpr std::size_t kLeastProgress = audio::kSpeechRate;
/// Of fewer samples behind the last segment Whisper makes "Thank you." and "Bye.": they are its end and some breath.
constexpr std::size_t kLeastRest = audio::kSpeechRate * 3 / 2;
constexpr std::size_t kSamplesPerCentisecond = audio::kSpeechRate / 100;

}  // namespace

WhisperDecoder::WhisperDecoder(whisper_context* context, int threads) : context_(context), threads_(threads) {}

WhisperDecoder::~WhisperDecoder() {
  whisper_free_state(state_);
}

Result<std::unique_ptr<WhisperDecoder>> WhisperDecoder::create(whisper_context* context, int threads) {
  std::unique_ptr<WhisperDecoder> decoder(new WhisperDecoder(context, threads));
  decoder->state_ = whisper_init_state(context);
  if (decoder->state_ == nullptr)
    return fail(ErrorCode::kInternal, "there is not enough memory for the Whisper decoder");
  return decoder;
}

Result<std::vector<SttSegment>> WhisperDecoder::run(std::span<const float> samples, const std::string& language,
                                                    const SttRequest& request, Context mode, const StopToken& stop) {
  std::vector<SttSegment> segments;
  for (std::size_t begin = 0; begin < samples.size();) {
    MORGAN_TRY(Pass pass, run_once(samples.subspan(begin), language, request, mode, stop));
    for (SttSegment& segment : pass.segments) {
      shift(segment, static_cast<double>(begin) / audio::kSpeechRate);
      if (!segments.empty() && is_echo(segment, segments.back())) continue;
      segments.push_back(std::move(segment));
    }
    begin += pass.heard;
    if (pass.heard < kLeastProgress || begin + kLeastRest > samples.size()) break;
    if (is_quiet(samples.subspan(begin), loudness_range(samples))) break;
  }
  return segments;
}

whisper_full_params WhisperDecoder::parameters(const std::string& language, const SttRequest& request, Context mode,
                                               double seconds) const {
  whisper_full_params params = whisper_full_default_params(WHISPER_SAMPLING_GREEDY);
  params.n_threads = threads_;
  params.language = language.c_str();
  params.translate = request.task == SttTask::kTranslate;
  params.no_context = true;
  params.print_progress = false;
  params.print_timestamps = false;
  params.suppress_nst = true;
  params.token_timestamps = request.word_timestamps;
  params.temperature = request.temperature;
  params.temperature_inc = mode == Context::kFullWithFallback ? kTemperatureStep : 0.0F;
  params.greedy.best_of = mode == Context::kFullWithFallback ? 3 : 1;
  params.initial_prompt = request.prompt.empty() ? nullptr : request.prompt.c_str();
  if (request.quick) params.max_tokens = static_cast<int>(most_tokens(seconds)) + 1;
  if (mode == Context::kCut) {
    const int wanted = static_cast<int>(std::ceil(seconds * kPositionsPerSecond)) + kMarginPositions;
    params.audio_ctx = std::min(wanted, whisper_n_audio_ctx(context_));
  }
  return params;
}

Result<WhisperDecoder::Pass> WhisperDecoder::run_once(std::span<const float> samples, const std::string& language,
                                                      const SttRequest& request, Context mode, const StopToken& stop) {
  std::vector<float> padded;
  if (samples.size() < kShortestSamples) {
    padded.assign(samples.begin(), samples.end());
    padded.resize(kShortestSamples, 0.0F);
  }
  const std::span<const float> heard = padded.empty() ? samples : std::span<const float>(padded);
  whisper_full_params params =
      parameters(language, request, mode, static_cast<double>(heard.size()) / audio::kSpeechRate);
  bool began = false;
  params.encoder_begin_callback = first_encoding;
  params.encoder_begin_callback_user_data = &began;
  StopToken token = stop;
  params.abort_callback = abort_requested;
  params.abort_callback_user_data = &token;

  const int status = whisper_full_with_state(context_, state_, params, heard.data(), static_cast<int>(heard.size()));
  if (stop.stop_requested()) return fail(stop.error());
  if (status != 0)
    return fail(
        {ErrorCode::kInternal, "whisper.cpp failed with status " + std::to_string(status), "TRANSCRIPTION_ERROR"});

  Pass pass;
  const double end = static_cast<double>(samples.size()) / audio::kSpeechRate;
  for (int i = 0; i < whisper_full_n_segments_from_state(state_); ++i) {
    SttSegment segment = read_segment(i, request.word_timestamps);
    const auto centiseconds = whisper_full_get_segment_t1_from_state(state_, i);
    pass.heard = std::min(static_cast<std::size_t>(centiseconds) * kSamplesPerCentisecond, samples.size());
    if (segment.start_seconds >= end - kEndSlackSeconds || is_silence(segment) || segment.text.empty()) continue;
    segment.end_seconds = std::clamp(segment.end_seconds, segment.start_seconds, end);
    fit_words(segment);
    pass.segments.push_back(std::move(segment));
  }
  return pass;
}

Result<std::vector<SttSegment>> WhisperDecoder::run_guarded(std::span<const float> samples, const std::string& language,
                                                            const SttRequest& request, const StopToken& stop) {
  const double seconds = static_cast<double>(samples.size()) / audio::kSpeechRate;
  for (const Context mode : {Context::kCut, Context::kFull}) {
    MORGAN_TRY(std::vector<SttSegment> segments, run(samples, language, request, mode, stop));
    if (!is_doubtful(segments, seconds)) return segments;
  }
  MORGAN_TRY(std::vector<SttSegment> last, run(samples, language, request, Context::kFullWithFallback, stop));
  // What still loops after every fall-back is not speech.
  std::erase_if(last, [](const SttSegment& segment) { return has_repetition(segment.text); });
  return last;
}

Result<std::optional<std::vector<SttSegment>>> WhisperDecoder::run_quick(std::span<const float> samples,
                                                                         const std::string& language,
                                                                         const SttRequest& request,
                                                                         const StopToken& stop) {
  MORGAN_TRY(std::vector<SttSegment> segments, run(samples, language, request, Context::kCut, stop));
  const double seconds = static_cast<double>(samples.size()) / audio::kSpeechRate;
  if (is_doubtful(segments, seconds)) return std::optional<std::vector<SttSegment>>();
  return std::optional(std::move(segments));
}

Result<void> WhisperDecoder::run_into(Window& window, std::span<const float> samples, const SttRequest& request,
                                      const StopToken& stop) {
  if (!request.quick) {
    MORGAN_TRY(window.segments, run_guarded(samples, window.language, request, stop));
    return {};
  }
  MORGAN_TRY(auto segments, run_quick(samples, window.language, request, stop));
  window.refused = !segments;
  window.segments = std::move(segments).value_or(std::vector<SttSegment>{});
  return {};
}

Result<void> WhisperDecoder::warm_up() {
  // Without the guards: silence is doubtful to them, and their fall-backs would take seconds.
  const std::vector<float> silence(kShortestSamples, 0.0F);
  MORGAN_TRY(const auto heard, run(silence, last_language_, {}, Context::kCut, {}));
  return {};
}

Result<WhisperDecoder::Window> WhisperDecoder::decode(std::span<const float> samples, const std::string& language,
                                                      const SttRequest& request, const StopToken& stop) {
  Window window;
  const bool detect = language.empty() && whisper_is_multilingual(context_) != 0;
  const bool expected = samples.size() < kBriefSamples && !request.likely_language.empty() &&
                        whisper_lang_id(request.likely_language.c_str()) >= 0;
  const std::string& first = expected ? request.likely_language : last_language_;
  window.language = detect ? first : language.empty() ? "en" : language;
  MORGAN_CHECK_OK(run_into(window, samples, request, stop));
  if (!detect) return window;
  // Whisper encodes the audio once for either question, so the likely language is tried first and the
  // detection read off the same encoding: it costs a second pass only when the language changes.
  const std::vector<LanguageGuess> guesses = guess_language();
  if (guesses.empty()) return window;
  const LanguageGuess& best = guesses.front();
  const bool sure = best.probability >= kSureLanguage;
  // In a wrong language Whisper may hear nothing at all; of silence it guesses one, and is unsure of it.
  if (window.segments.empty() && (!sure || best.language == window.language)) return window;
  window.language_probability = best.probability;
  if (expected && best.probability < kSureOfBrief) {
    window.language_probability = probability_of(window.language, guesses);
    return window;
  }
  if (best.language != window.language) {
    window.language = best.language;
    MORGAN_CHECK_OK(run_into(window, samples, request, stop));
  }
  // A guess from half a word must not decide what is tried first from now on.
  if (sure && !window.segments.empty()) last_language_ = window.language;
  return window;
}

std::vector<LanguageGuess> WhisperDecoder::guess_language() {
  const whisper_token start = whisper_token_sot(context_);
  if (whisper_decode_with_state(context_, state_, &start, 1, 0, threads_) != 0) return {};
  const float* logits = whisper_get_logits_from_state(state_);
  std::vector<LanguageGuess> guesses;
  double sum = 0;
  const float reference = logits[whisper_token_lang(context_, 0)];
  for (int id = 0; id <= whisper_lang_max_id(); ++id) {
    const double weight = std::exp(static_cast<double>(logits[whisper_token_lang(context_, id)] - reference));
    sum += weight;
    guesses.push_back({whisper_lang_str(id), static_cast<float>(weight)});
  }
  for (LanguageGuess& guess : guesses)
    guess.probability = static_cast<float>(static_cast<double>(guess.probability) / sum);
  std::sort(guesses.begin(), guesses.end(), [](const auto& a, const auto& b) { return a.probability > b.probability; });
  return guesses;
}

Result<std::vector<LanguageGuess>> WhisperDecoder::detect(std::span<const float> samples, const StopToken& stop) {
  SttRequest request;
  MORGAN_TRY(const auto segments, run(samples, last_language_, request, Context::kCut, stop));
  return guess_language();
}

SttSegment WhisperDecoder::read_segment(int index, bool words) const {
  SttSegment segment;
  segment.text = std::string(trim(whisper_full_get_segment_text_from_state(state_, index)));
  // Whisper counts in centiseconds.
  segment.start_seconds = static_cast<double>(whisper_full_get_segment_t0_from_state(state_, index)) / 100;
  segment.end_seconds = static_cast<double>(whisper_full_get_segment_t1_from_state(state_, index)) / 100;
  segment.no_speech_probability = whisper_full_get_segment_no_speech_prob_from_state(state_, index);
  segment.compression_ratio = compression_ratio(segment.text);
  std::vector<WhisperToken> tokens;
  double probability = 0;
  double log_probability = 0;
  for (int i = 0; i < whisper_full_n_tokens_from_state(state_, index); ++i) {
    const whisper_token_data data = whisper_full_get_token_data_from_state(state_, index, i);
    if (data.id >= whisper_token_eot(context_)) continue;  // timestamps and other marks
    tokens.push_back({whisper_token_to_str(context_, data.id), static_cast<double>(data.t0) / 100,
                      static_cast<double>(data.t1) / 100, data.p});
    segment.tokens.push_back(data.id);
    probability += static_cast<double>(data.p);
    log_probability += static_cast<double>(data.plog);
  }
  if (!tokens.empty()) {
    segment.confidence = static_cast<float>(probability / static_cast<double>(tokens.size()));
    segment.average_log_probability = static_cast<float>(log_probability / static_cast<double>(tokens.size()));
  }
  if (words) segment.words = words_of(tokens);
  return segment;
}

}  // namespace morgan::engines
