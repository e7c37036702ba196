#include "engines/embed/llama_embed.h"

#include "base/strings.h"
#include "engines/compute_thread.h"
#include "engines/embed/llama_runtime.h"

#include <llama.h>

#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <system_error>

namespace morgan::engines {

namespace {

constexpr int kMaxTokens = 512;  // all-MiniLM's position table
constexpr int kMaxTextsPerBatch = 32;
// Attention inside a batch is quadratic in all its tokens, so a batch is no longer than one long text.
constexpr int kBatchTokens = kMaxTokens;
// No text needs more bytes than this to fill 512 tokens; the rest would be tokenized only to be cut.
constexpr std::size_t kMaxTextBytes = 64 * 1024;
constexpr std::chrono::milliseconds kLockPoll{10};

struct ModelDeleter {
  void operator()(llama_model* model) const { llama_model_free(model); }
};
struct ContextDeleter {
  void operator()(llama_context* context) const { llama_free(context); }
};
using ModelPtr = std::unique_ptr<llama_model, ModelDeleter>;
using ContextPtr = std::unique_ptr<llama_context, ContextDeleter>;
using Tokens = std::vector<llama_token>;

class Batch {
 public:
  Batch() : batch_(llama_batch_init(kBatchTokens, 0, 1)) {}
  ~Batch() { llama_batch_free(batch_); }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  void clear() { batch_.n_tokens = 0; }
  int size() const { return batch_.n_tokens; }
  const llama_batch& get() const { return batch_; }

  void add(const Tokens& tokens, llama_seq_id sequence) {
    llama_pos position = 0;
    for (const llama_token token : tokens) {
      const int at = batch_.n_tokens++;
      batch_.token[at] = token;
      batch_.pos[at] = position++;
      batch_.n_seq_id[at] = 1;
      batch_.seq_id[at][0] = sequence;
      batch_.logits[at] = 1;
    }
  }

 private:
  llama_batch batch_;
};

std::vector<float> unit_vector(const float* values, int dimension) {
  std::vector<float> vector(values, values + dimension);
  double squares = 0;
  for (const float value : vector)
    squares += static_cast<double>(value) * static_cast<double>(value);
  const double norm = std::sqrt(squares);
  if (norm > 0) {
    for (float& value : vector)
      value = static_cast<float>(static_cast<double>(value) / norm);
  }
  return vector;
}

/// @return false: it was short enough
bool cut(Tokens& tokens) {
  if (tokens.size() <= static_cast<std::size_t>(kMaxTokens)) return false;
  const llama_token last = tokens.back();  // the end mark stays the end mark
  tokens.resize(static_cast<std::size_t>(kMaxTokens));
  tokens.back() = last;
  return true;
}

class LlamaEmbed final : public EmbedEngine {
 public:
  LlamaEmbed(ModelPtr model, ContextPtr context, std::string name)
      : model_(std::move(model)),
        context_(std::move(context)),
        name_(std::move(name)),
        dimension_(llama_model_n_embd(model_.get())) {}

  Result<Embeddings> embed(std::span<const std::string> texts, const StopToken& stop) override;
  int dimension() const override { return dimension_; }
  EngineInfo info() const override;

 private:
  /// The whole text, or as much of it as is more than the model reads.
  Result<Tokens> tokenize(const std::string& text) const;
  Result<void> run(std::span<const Tokens> texts, Embeddings& out);

  // Declared in dependency order: the context uses the model.
  ModelPtr model_;
  ContextPtr context_;
  std::string name_;
  int dimension_;
  std::timed_mutex mutex_;  // one batch at a time; its threads fill the cores already
  Batch batch_;             // guarded by mutex_
  ComputeThread compute_;   // guarded by mutex_
};

Result<Tokens> LlamaEmbed::tokenize(const std::string& text) const {
  const llama_vocab* vocab = llama_model_get_vocab(model_.get());
  const std::size_t bytes = std::min(text.size(), kMaxTextBytes);
  Tokens tokens(bytes + 2);
  int count = 0;
  try {
    count = llama_tokenize(vocab, text.data(), static_cast<int>(bytes), tokens.data(), static_cast<int>(tokens.size()),
                           true, false);
    if (count < 0) {
      tokens.resize(static_cast<std::size_t>(-count));
      count = llama_tokenize(vocab, text.data(), static_cast<int>(bytes), tokens.data(),
                             static_cast<int>(tokens.size()), true, false);
    }
  } catch (const std::exception& e) {
    return fail(ErrorCode::kInvalidArgument, std::string("the text cannot be tokenized: ") + e.what());
  }
  if (count <= 0) return fail(ErrorCode::kInvalidArgument, "the text cannot be tokenized");
  tokens.resize(static_cast<std::size_t>(count));
  return tokens;
}

Result<void> LlamaEmbed::run(std::span<const Tokens> texts, Embeddings& out) {
  batch_.clear();
  llama_seq_id sequence = 0;
  for (const Tokens& tokens : texts)
    batch_.add(tokens, sequence++);
  int status = 0;
  compute_.run([&] { status = llama_encode(context_.get(), batch_.get()); });
  if (status != 0) {
    return fail(ErrorCode::kInternal, "the embedding model failed with status " + std::to_string(status));
  }
  for (llama_seq_id i = 0; i < sequence; ++i) {
    const float* values = llama_get_embeddings_seq(context_.get(), i);
    if (values == nullptr) return fail(ErrorCode::kInternal, "the embedding model gave no vector");
    out.vectors.push_back(unit_vector(values, dimension_));
  }
  out.prompt_tokens += batch_.size();
  return {};
}

Result<Embeddings> LlamaEmbed::embed(std::span<const std::string> texts, const StopToken& stop) {
  Embeddings out;
  out.context_tokens = kMaxTokens;
  std::vector<Tokens> all;
  all.reserve(texts.size());
  for (const std::string& text : texts) {
    if (stop.stop_requested()) return fail(stop.error());
    MORGAN_TRY(auto tokens, tokenize(text));
    if ((cut(tokens) || text.size() > kMaxTextBytes) && !out.first_cut) out.first_cut = all.size();
    all.push_back(std::move(tokens));
  }
  out.vectors.reserve(texts.size());
  for (std::size_t begin = 0; begin < all.size();) {
    std::size_t end = begin;
    std::size_t tokens = 0;
    while (end < all.size() && end - begin < static_cast<std::size_t>(kMaxTextsPerBatch) &&
           (end == begin || tokens + all[end].size() <= static_cast<std::size_t>(kBatchTokens))) {
      tokens += all[end++].size();
    }
    // The lock is taken per batch, so that a long list does not keep a short question waiting.
    std::unique_lock lock(mutex_, std::defer_lock);
    do {
      if (stop.stop_requested()) return fail(stop.error());
    } while (!lock.try_lock_for(kLockPoll));
    MORGAN_CHECK_OK(run(std::span<const Tokens>(all).subspan(begin, end - begin), out));
    begin = end;
  }
  return out;
}

EngineInfo LlamaEmbed::info() const {
  EngineInfo info;
  info.role = "embed";
  info.backend = "llama.cpp";
  info.model = name_;
  info.detail = std::to_string(dimension_) + " dimensions, " + human_bytes(llama_model_size(model_.get()));
  info.languages = {"en"};
  return info;
}

}  // namespace

Result<std::unique_ptr<EmbedEngine>> load_llama_embed(const std::filesystem::path& model, std::string model_name,
                                                      int threads, bool gpu) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(model, ignored)) {
    return fail(ErrorCode::kNotFound, "embedding model " + model.string() + " does not exist");
  }
  start_llama_runtime();
  take_llama_error();
  const auto corrupt = [&model] {
    return fail(ErrorCode::kCorrupt, model.string() + " is damaged or not an embedding model in GGUF form (" +
                                         take_llama_error() + "); `morgan models verify` checks it");
  };
  try {
    llama_model_params model_params = llama_model_default_params();
    model_params.n_gpu_layers = gpu ? -1 : 0;
    ModelPtr loaded(llama_model_load_from_file(model.c_str(), model_params));
    if (loaded == nullptr) return corrupt();

    llama_context_params params = llama_context_default_params();
    params.n_ctx = static_cast<std::uint32_t>(kBatchTokens);
    params.n_batch = static_cast<std::uint32_t>(kBatchTokens);
    params.n_ubatch = static_cast<std::uint32_t>(kBatchTokens);  // not causal: a text is never split
    params.n_seq_max = static_cast<std::uint32_t>(kMaxTextsPerBatch);
    params.kv_unified = true;
    params.n_threads = threads;
    params.n_threads_batch = threads;
    params.embeddings = true;
    params.pooling_type = LLAMA_POOLING_TYPE_MEAN;
    ContextPtr context(llama_init_from_model(loaded.get(), params));
    if (context == nullptr || llama_model_n_ctx_train(loaded.get()) < kMaxTokens) return corrupt();

    auto engine = std::make_unique<LlamaEmbed>(std::move(loaded), std::move(context), std::move(model_name));
    const std::string warm_up = "warm up";
    MORGAN_CHECK_OK(engine->embed(std::span(&warm_up, 1), StopToken()));
    return std::unique_ptr<EmbedEngine>(std::move(engine));
  } catch (const std::exception& e) {
    return fail(ErrorCode::kCorrupt, "embedding model " + model.string() + " cannot be loaded: " + e.what());
  }
}

}  // namespace morgan::engines
