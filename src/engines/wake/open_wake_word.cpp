#include "engines/wake/open_wake_word.h"

#include "base/strings.h"
#include "engines/onnx/ort_session.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace morgan::engines {

namespace {

namespace fs = std::filesystem;

// @source openWakeWord, utils.py and model.py
constexpr std::size_t kStep = 1280;        // samples between two probabilities
constexpr std::size_t kOverlap = 3 * 160;  // samples before a step that its first frames reach back to
constexpr std::size_t kBands = 32;
constexpr std::size_t kMelFrames = 76;  // that one embedding is made of
constexpr std::size_t kEmbedding = 96;
constexpr std::size_t kEmbeddings = 16;  // that one probability is made of
constexpr float kFullScale = 32'768.0F;  // the models were trained on 16 bit numbers
constexpr float kMelScale = 0.1F;
constexpr float kMelOffset = 2.0F;
/// A phrase stays in the window for a while after it was said, and would be told again.
constexpr std::size_t kQuietAfter = 2 * static_cast<std::size_t>(audio::kSpeechRate);

constexpr const char* kMelFile = "melspectrogram.onnx";
constexpr const char* kEmbeddingFile = "embedding_model.onnx";

using Floats = std::vector<float>;

/// A model of one input and one output, whatever they are called.
class Graph {
 public:
  static Result<std::unique_ptr<Graph>> open(const fs::path& file) {
    MORGAN_TRY(auto session, onnx::Session::open(file, {.threads = 1}));
    auto graph = std::make_unique<Graph>();
    graph->inputs_ = session->input_names();
    graph->outputs_ = session->output_names();
    graph->session_ = std::move(session);
    if (graph->inputs_.size() != 1 || graph->outputs_.size() != 1) {
      return fail(ErrorCode::kCorrupt, file.string() + " is no part of openWakeWord");
    }
    return graph;
  }

  Result<Floats> run(Floats data, std::vector<std::int64_t> shape) const {
    const std::array<onnx::NamedTensor, 1> inputs{{{inputs_[0].c_str(), {std::move(data), std::move(shape)}}}};
    const std::array<const char*, 1> outputs{outputs_[0].c_str()};
    MORGAN_TRY(auto results, session_->run(inputs, outputs));
    Floats* floats = std::get_if<Floats>(&results.at(0).data);
    if (floats == nullptr) return fail(ErrorCode::kCorrupt, "a part of openWakeWord gives no numbers");
    return std::exchange(*floats, {});
  }

 private:
  std::unique_ptr<onnx::Session> session_;
  std::vector<std::string> inputs_;
  std::vector<std::string> outputs_;
};

struct Phrase {
  WakeWord word;
  std::unique_ptr<Graph> graph;
};

struct Models {
  std::unique_ptr<Graph> mel;
  std::unique_ptr<Graph> embedding;
  std::vector<Phrase> phrases;
  float threshold = 0;
  // What a stream begins with: as if there had been silence before.
  Floats quiet_mel;
  Floats quiet_embeddings;
};

Result<Floats> mel_of(const Graph& graph, Floats samples) {
  const auto size = static_cast<std::int64_t>(samples.size());
  MORGAN_TRY(Floats frames, graph.run(std::move(samples), {1, size}));
  for (float& value : frames)
    value = value * kMelScale + kMelOffset;
  return frames;
}

Result<Floats> embedding_of(const Graph& graph, Floats frames) {
  return graph.run(std::move(frames), {1, static_cast<std::int64_t>(kMelFrames), static_cast<std::int64_t>(kBands), 1});
}

class OpenWakeStream final : public WakeStream {
 public:
  /// @param models  the engine's, which outlives its streams
  OpenWakeStream(const Models& models, std::vector<const Phrase*> wanted)
      : models_(models),
        wanted_(std::move(wanted)),
        next_allowed_(wanted_.size(), 0),
        samples_(kOverlap, 0.0F),
        mel_(models.quiet_mel),
        embeddings_(models.quiet_embeddings) {}

  Result<std::vector<WakeDetection>> push(std::span<const float> samples) override {
    std::vector<WakeDetection> found;
    while (!samples.empty()) {
      const std::size_t size = std::min(kOverlap + kStep - samples_.size(), samples.size());
      for (const float sample : samples.first(size))
        samples_.push_back(std::round(std::clamp(sample, -1.0F, 1.0F) * (kFullScale - 1)));
      samples = samples.subspan(size);
      position_ += size;
      if (samples_.size() < kOverlap + kStep) break;
      MORGAN_CHECK_OK(step(found));
      samples_.erase(samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(kStep));
    }
    return found;
  }

 private:
  static void append_last(Floats& window, const Floats& more) {
    const std::size_t size = window.size();
    window.insert(window.end(), more.begin(), more.end());
    window.erase(window.begin(), window.end() - static_cast<std::ptrdiff_t>(size));
  }

  Result<void> step(std::vector<WakeDetection>& found) {
    MORGAN_TRY(const Floats frames, mel_of(*models_.mel, samples_));
    append_last(mel_, frames);
    MORGAN_TRY(const Floats embedding, embedding_of(*models_.embedding, mel_));
    append_last(embeddings_, embedding);
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      MORGAN_TRY(const Floats score, wanted_[i]->graph->run(embeddings_, {1, static_cast<std::int64_t>(kEmbeddings),
                                                                          static_cast<std::int64_t>(kEmbedding)}));
      if (score.empty() || !(score[0] >= models_.threshold) || position_ < next_allowed_[i]) continue;
      next_allowed_[i] = position_ + kQuietAfter;
      found.push_back({wanted_[i]->word.name, position_, score[0]});
    }
    return {};
  }

  const Models& models_;
  const std::vector<const Phrase*> wanted_;
  std::vector<std::size_t> next_allowed_;  // position, for each of wanted_
  Floats samples_;                         // what the next step is made of, so far
  Floats mel_;
  Floats embeddings_;
  std::size_t position_ = 0;
};

class OpenWakeWord final : public WakeEngine {
 public:
  explicit OpenWakeWord(Models models) : models_(std::move(models)) {}

  std::vector<WakeWord> words() const override {
    std::vector<WakeWord> words;
    for (const Phrase& phrase : models_.phrases)
      words.push_back(phrase.word);
    return words;
  }

  Result<std::unique_ptr<WakeStream>> open(const std::vector<std::string>& names) override {
    std::vector<const Phrase*> wanted;
    std::vector<std::string> known;
    for (const Phrase& phrase : models_.phrases) {
      known.push_back(phrase.word.name);
      if (names.empty() || std::find(names.begin(), names.end(), phrase.word.name) != names.end())
        wanted.push_back(&phrase);
    }
    if (wanted.empty()) {
      return fail(ErrorCode::kNotFound, "there is no such wake word; known are " + join(known, ", "));
    }
    return std::unique_ptr<WakeStream>(std::make_unique<OpenWakeStream>(models_, std::move(wanted)));
  }

  EngineInfo info() const override {
    std::vector<std::string> phrases;
    for (const Phrase& phrase : models_.phrases)
      phrases.push_back(phrase.word.phrase);
    return {"wake", "onnxruntime", "open-wake-word", "openWakeWord: " + join(phrases, ", "), {"en"}, false};
  }

 private:
  const Models models_;
};

// "hey_jarvis_v0.1" is hey_jarvis, and said "hey jarvis".
WakeWord word_of(const fs::path& file) {
  WakeWord word{file.stem().string(), ""};
  const std::size_t version = word.name.rfind("_v");
  if (version != std::string::npos && version > 0) word.name.resize(version);
  word.phrase = word.name;
  std::replace(word.phrase.begin(), word.phrase.end(), '_', ' ');
  return word;
}

Result<void> open_phrases(const fs::path& folder, std::vector<Phrase>& phrases) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const fs::path& file = entry.path();
    if (file.extension() == ".onnx" && file.filename() != kMelFile && file.filename() != kEmbeddingFile)
      files.push_back(file);
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    MORGAN_TRY(auto graph, Graph::open(file));
    const auto probe = graph->run(Floats(kEmbeddings * kEmbedding), {1, kEmbeddings, kEmbedding});
    if (!probe || probe->size() != 1) {
      return fail(ErrorCode::kCorrupt, file.string() + " is no wake word of openWakeWord");
    }
    phrases.push_back({word_of(file), std::move(graph)});
  }
  if (phrases.empty()) return fail(ErrorCode::kNotFound, "there is no wake word in " + folder.string());
  return {};
}

}  // namespace

Result<std::unique_ptr<WakeEngine>> load_open_wake_word(const OpenWakeWordOptions& options) {
  Models models;
  models.threshold = options.threshold;
  MORGAN_TRY(models.mel, Graph::open(options.folder / kMelFile));
  MORGAN_TRY(models.embedding, Graph::open(options.folder / kEmbeddingFile));
  MORGAN_CHECK_OK(open_phrases(options.folder, models.phrases));
  constexpr std::size_t kHop = 160;
  MORGAN_TRY(models.quiet_mel, mel_of(*models.mel, Floats(kOverlap + kMelFrames * kHop)));
  if (models.quiet_mel.size() < kMelFrames * kBands) {
    return fail(ErrorCode::kCorrupt, (options.folder / kMelFile).string() + " is no part of openWakeWord");
  }
  models.quiet_mel.resize(kMelFrames * kBands);
  MORGAN_TRY(const Floats quiet, embedding_of(*models.embedding, models.quiet_mel));
  if (quiet.size() != kEmbedding) {
    return fail(ErrorCode::kCorrupt, (options.folder / kEmbeddingFile).string() + " is no part of openWakeWord");
  }
  for (std::size_t i = 0; i < kEmbeddings; ++i)
    models.quiet_embeddings.insert(models.quiet_embeddings.end(), quiet.begin(), quiet.end());
  return std::unique_ptr<WakeEngine>(std::make_unique<OpenWakeWord>(std::move(models)));
}

}  // namespace morgan::engines
