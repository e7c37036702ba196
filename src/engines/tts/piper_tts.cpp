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

/// At 0.05 of real time a first piece of two seconds is heard after some 50 ms, and any length may follow it.
constexpr PlanOptions kPlan{.first_chars = 36, .growth = 10, .max_chars = 300};

/// How many frames of 256 samples the model makes of each id: inside the graph of every voice that Piper's own
/// script has exported.
/// @source piper, infer of models.py: w_ceil = torch.ceil(w)
constexpr const char* kFramesOutput = "/Ceil_output_0";

/// What the decoder, which is two thirds of the work, makes sound of: a column per frame. A frame's sound depends on
/// the 8 columns on either side and on no others, so that the sound of the first words can be made, and heard, before
/// the rest is.
constexpr const char* kDecoderInput = "/dec/conv_pre/Conv_output_0";
constexpr std::size_t kReach = 8;
constexpr std::size_t kHop = 256;
/// Frames of the first part, 0.2 s; while a part is heard, the next is made, which may be that much longer. A cut costs
/// the reach on both sides once more.
constexpr std::size_t kFirstFrames = 18;
constexpr double kPartGrowth = 10;

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

/// Where to cut a piece into parts, in frames: behind words, so that each word is in one part. The last is the end.
std::vector<std::size_t> part_ends(std::span<const WordSpan> words, std::size_t frames, bool at_once) {
  std::vector<std::size_t> ends;
  std::size_t begin = words.empty() ? 0 : words.front().begin / kHop;
  std::size_t length = kFirstFrames;
  for (std::size_t i = 0; at_once && i + 1 < words.size(); ++i) {
    const std::size_t end = words[i].end / kHop;
    if (end < begin + length || frames < end + kFirstFrames) continue;
    ends.push_back(end);
    length = static_cast<std::size_t>(static_cast<double>(end - begin) * kPartGrowth);
    begin = end;
  }
  ends.push_back(frames);
  return ends;
}

/// Columns `begin` to `end` of a tensor [1, rows, columns] of floats.
onnx::Tensor columns_of(const onnx::Tensor& tensor, std::size_t begin, std::size_t end) {
  const auto& all = std::get<std::vector<float>>(tensor.data);
  const auto rows = static_cast<std::size_t>(tensor.shape[1]);
  const auto columns = static_cast<std::size_t>(tensor.shape[2]);
  std::vector<float> some;
  some.reserve(rows * (end - begin));
  for (std::size_t row = 0; row < rows; ++row) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(row * columns);
    some.insert(some.end(), first + static_cast<std::ptrdiff_t>(begin), first + static_cast<std::ptrdiff_t>(end));
  }
  return {std::move(some), {1, tensor.shape[1], static_cast<std::int64_t>(end - begin)}};
}

/// The sessions of a voice: its two parts, or the whole model.
struct PiperSessions {
  std::unique_ptr<onnx::Session> front;
  std::unique_ptr<onnx::Session> decoder;  ///< none: `front` is the whole
};

class PiperTts final : public TtsEngine {
 public:
  PiperTts(PiperSessions sessions, PiperConfig config, const PiperOptions& options)
      : sessions_(std::move(sessions)),
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
    return synthesize_timed(request, without_words(sink), stop);
  }

  Result<void> synthesize_timed(const TtsRequest& request, const TimedSink& sink, const StopToken& stop) override {
    MORGAN_CHECK_OK(check_speed(request.speed));
    MORGAN_TRY(const Voice voice, find_voice(request.voice));
    const auto render = [&](const std::string& text, bool at_once, const TakeRun& take) {
      return this->render(text, request.speed, at_once, take);
    };
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

  Result<void> render(const std::string& text, double speed, bool at_once, const TakeRun& take) {
    MORGAN_TRY(const Phonemes spoken, phonemize(text, config_.espeak_voice, PhonemeTies::kNone));
    const Phonemes phonemes = piper_marks(spoken);
    if (!phonemes.has_sound()) return {};
    PiperInput input = piper_input(config_, phonemes);
    const auto count = static_cast<std::int64_t>(input.ids.size());
    const float length = config_.length_scale / static_cast<float>(speed);
    const std::array<onnx::NamedTensor, 3> inputs{
        onnx::NamedTensor{"input", {std::move(input.ids), {1, count}}},
        onnx::NamedTensor{"input_lengths", {std::vector<std::int64_t>{count}, {1}}},
        onnx::NamedTensor{"scales", {std::vector<float>{config_.noise_scale, length, config_.noise_w}, {3}}}};
    if (sessions_.decoder != nullptr) return render_parts(inputs, input.words, at_once, take);
    static constexpr std::array<const char*, 1> kOutputs{"output"};
    MORGAN_TRY(auto outputs, sessions_.front->run(inputs, kOutputs));
    MORGAN_TRY(auto run, rendered(std::move(outputs), input.words));
    return take(std::move(run));
  }

 private:
  Result<void> render_parts(std::span<const onnx::NamedTensor> inputs, std::span<const std::uint32_t> words,
                            bool at_once, const TakeRun& take) {
    static constexpr std::array<const char*, 2> kOutputs{kDecoderInput, kFramesOutput};
    MORGAN_TRY(auto outputs, sessions_.front->run(inputs, kOutputs));
    const onnx::Tensor latent = std::move(outputs.at(0));
    if (latent.shape.size() != 3 || !std::holds_alternative<std::vector<float>>(latent.data))
      return fail(ErrorCode::kInternal, "the speech model gave no frames");
    MORGAN_TRY(const auto frames_per_id, floats_of(outputs.at(1)));
    const auto frames = static_cast<std::size_t>(latent.shape[2]);
    const std::vector<WordSpan> spans = word_spans(words, frames_per_id, frames * kHop);
    std::size_t begin = 0;
    for (const std::size_t end : part_ends(spans, frames, at_once)) {
      Rendered run;
      MORGAN_TRY(run.samples, decode(latent, begin, end));
      run.opens = begin == 0;
      run.closes = run.last = end == frames;
      for (const WordSpan& word : spans) {
        if (word.begin >= begin * kHop && word.begin < end * kHop)
          run.words.push_back({word.word, word.begin - begin * kHop, word.end - begin * kHop});
      }
      MORGAN_CHECK_OK(take(std::move(run)));
      begin = end;
    }
    return {};
  }

  /// The sound of the frames from `begin` to `end`, as it is in the sound of all.
  Result<std::vector<float>> decode(const onnx::Tensor& latent, std::size_t begin, std::size_t end) {
    const std::size_t from = begin > kReach ? begin - kReach : 0;
    const std::size_t to = std::min(end + kReach, static_cast<std::size_t>(latent.shape[2]));
    const onnx::NamedTensor input{kDecoderInput, columns_of(latent, from, to)};
    static constexpr std::array<const char*, 1> kOutputs{"output"};
    MORGAN_TRY(auto outputs, sessions_.decoder->run({&input, 1}, kOutputs));
    MORGAN_TRY(auto samples, floats_of(outputs.at(0)));
    if (samples.size() != (to - from) * kHop) return fail(ErrorCode::kInternal, "the speech model gave odd frames");
    samples.resize((end - from) * kHop);
    samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>((begin - from) * kHop));
    return samples;
  }

  PiperSessions sessions_;
  PiperConfig config_;
  std::string model_name_;
  int threads_;
  std::vector<Voice> voices_;  // one
};

Result<PiperSessions> open_sessions(const PiperOptions& options) {
  onnx::SessionOptions session_options;
  session_options.threads = options.threads;
  session_options.graph_cache = options.graph_cache;
  session_options.gpu = options.gpu;
  session_options.part.outputs = {kDecoderInput, kFramesOutput};
  PiperSessions sessions;
  MORGAN_TRY(sessions.front, onnx::Session::open(options.model, session_options));
  MORGAN_CHECK_OK(check_inputs(*sessions.front, options.model, {"input", "input_lengths", "scales"}));
  if (sessions.front->output_names() != session_options.part.outputs) return sessions;
  session_options.part = {.inputs = {kDecoderInput}, .outputs = {"output"}};
  MORGAN_TRY(sessions.decoder, onnx::Session::open(options.model, session_options));
  return sessions;
}

}  // namespace

Result<std::unique_ptr<TtsEngine>> load_piper(const PiperOptions& options) {
  std::filesystem::path configuration = options.model;
  configuration += ".json";
  MORGAN_TRY(PiperConfig config, load_piper_config(configuration));
  MORGAN_TRY(PiperSessions sessions, open_sessions(options));
  auto engine = std::make_unique<PiperTts>(std::move(sessions), std::move(config), options);
  // A first run is slower than the others, and shows that model and configuration belong together.
  const auto render = [&engine](const std::string& text, bool at_once, const TakeRun& take) {
    return engine->render(text, 1.0, at_once, take);
  };
  MORGAN_CHECK_OK(check_first_run(render, options.model));
  return std::unique_ptr<TtsEngine>(std::move(engine));
}

}  // namespace morgan::engines
