// Sentence-transformers BERT to GGUF. @source llama.cpp, conversion/bert.py for names and the vocabulary's form.
#include "base/file.h"
#include "base/json_util.h"
#include "base/strings.h"
#include "models/import/gguf_writer.h"
#include "models/import/import.h"
#include "models/import/safetensors.h"

#include <set>

namespace morgan::models {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxText = 64'000'000;
constexpr long long kMaxSize = 1'000'000;
constexpr std::int32_t kNormalToken = 1;
constexpr std::int32_t kControlToken = 3;
constexpr std::uint32_t kPoolingMean = 1;
constexpr std::uint32_t kPoolingCls = 2;
constexpr std::uint32_t kGgufTypeF16 = 1;
constexpr std::uint32_t kQuantizationVersion = 2;

struct Config {
  std::uint32_t hidden = 0;
  std::uint32_t feed_forward = 0;
  std::uint32_t layers = 0;
  std::uint32_t heads = 0;
  std::uint32_t positions = 0;
  std::uint32_t token_types = 0;
  float epsilon = 0;
};

Result<Json> read_json(const fs::path& path) {
  MORGAN_TRY(const std::string text, read_file(path, kMaxText));
  Result<Json> document = parse_json_object(text);
  if (!document) return fail(ErrorCode::kCorrupt, path.string() + ": " + document.error().message);
  return document;
}

Result<std::uint32_t> read_size(const Json& config, const char* name) {
  const Result<std::optional<long long>> value = json_integer(config, name);
  if (!value || !*value || **value <= 0 || **value > kMaxSize) {
    return fail(ErrorCode::kCorrupt, std::string("config.json: ") + name + " is missing or not a sensible number");
  }
  return static_cast<std::uint32_t>(**value);
}

Result<Config> read_config(const fs::path& folder) {
  MORGAN_TRY(const Json document, read_json(folder / "config.json"));
  const Result<std::optional<std::string>> type = json_string(document, "model_type");
  if (!type || type->value_or("") != "bert") {
    return fail(ErrorCode::kUnsupported, (folder / "config.json").string() + " does not describe a BERT");
  }
  Config config;
  MORGAN_TRY(config.hidden, read_size(document, "hidden_size"));
  MORGAN_TRY(config.feed_forward, read_size(document, "intermediate_size"));
  MORGAN_TRY(config.layers, read_size(document, "num_hidden_layers"));
  MORGAN_TRY(config.heads, read_size(document, "num_attention_heads"));
  MORGAN_TRY(config.positions, read_size(document, "max_position_embeddings"));
  MORGAN_TRY(config.token_types, read_size(document, "type_vocab_size"));
  const Result<std::optional<double>> epsilon = json_number(document, "layer_norm_eps");
  config.epsilon = static_cast<float>(epsilon ? epsilon->value_or(1e-12) : 1e-12);
  return config;
}

/// Mean, unless the folder of sentence-transformers says otherwise.
Result<std::uint32_t> read_pooling(const fs::path& folder) {
  const fs::path path = folder / "1_Pooling" / "config.json";
  std::error_code status;
  if (!fs::exists(path, status)) return kPoolingMean;
  MORGAN_TRY(const Json document, read_json(path));
  const auto is_set = [&](const char* name) {
    const Result<std::optional<bool>> flag = json_bool(document, name);
    return flag && flag->value_or(false);
  };
  if (is_set("pooling_mode_mean_tokens")) return kPoolingMean;
  if (is_set("pooling_mode_cls_token")) return kPoolingCls;
  return fail(ErrorCode::kUnsupported, path.string() + ": neither mean nor cls pooling");
}

Result<bool> is_lower_case(const fs::path& folder) {
  const fs::path path = folder / "tokenizer_config.json";
  std::error_code status;
  if (!fs::exists(path, status)) return true;
  MORGAN_TRY(const Json document, read_json(path));
  const Result<std::optional<bool>> flag = json_bool(document, "do_lower_case");
  return flag ? flag->value_or(true) : true;
}

/// llama.cpp's form: a token that starts a word has U+2581 in front, one that continues it loses its "##".
std::string word_start_form(const std::string& token) {
  return token.starts_with("##") ? token.substr(2) : "\u2581" + token;
}

Result<void> set_vocabulary(const fs::path& folder, std::uint64_t expected, GgufWriter& writer) {
  MORGAN_TRY(const std::string text, read_file(folder / "vocab.txt", kMaxText));
  std::vector<std::string> tokens = split(text, '\n');
  if (!tokens.empty() && tokens.back().empty()) tokens.pop_back();
  if (tokens.size() != expected) {
    return fail(ErrorCode::kCorrupt, (folder / "vocab.txt").string() + " has " + std::to_string(tokens.size()) +
                                         " tokens, the model " + std::to_string(expected));
  }
  static const std::map<std::string, const char*> kSpecial = {{"[PAD]", "tokenizer.ggml.padding_token_id"},
                                                              {"[UNK]", "tokenizer.ggml.unknown_token_id"},
                                                              {"[CLS]", "tokenizer.ggml.bos_token_id"},
                                                              {"[SEP]", "tokenizer.ggml.seperator_token_id"},
                                                              {"[MASK]", "tokenizer.ggml.mask_token_id"}};
  std::vector<std::int32_t> types;
  std::map<std::string, std::uint32_t> ids;
  for (std::string& token : tokens) {
    if (token.ends_with('\r')) token.pop_back();
    if (!is_valid_utf8(token)) return fail(ErrorCode::kCorrupt, (folder / "vocab.txt").string() + " is not UTF-8");
    if (const auto special = kSpecial.find(token); special != kSpecial.end()) {
      ids.emplace(special->second, static_cast<std::uint32_t>(types.size()));
      types.push_back(kControlToken);
    } else {
      types.push_back(kNormalToken);
      token = word_start_form(token);
    }
  }
  if (ids.size() != kSpecial.size()) {
    return fail(ErrorCode::kCorrupt,
                (folder / "vocab.txt").string() + " lacks one of [PAD], [UNK], [CLS], [SEP], [MASK]");
  }
  MORGAN_TRY(const bool lower_case, is_lower_case(folder));
  writer.set_text("tokenizer.ggml.model", "bert");
  writer.set_text("tokenizer.ggml.pre", "default");
  writer.set_texts("tokenizer.ggml.tokens", tokens);
  writer.set_numbers("tokenizer.ggml.token_type", types);
  for (const auto& [key, id] : ids)
    writer.set(key, id);
  writer.set_flag("tokenizer.ggml.normalizer.lowercase", lower_case);
  return {};
}

void set_sizes(const Config& config, std::uint32_t pooling, GgufWriter& writer) {
  writer.set_text("general.architecture", "bert");
  writer.set_text("general.name", "sentence embeddings (BERT)");
  writer.set("general.file_type", kGgufTypeF16);
  writer.set("general.quantization_version", kQuantizationVersion);
  writer.set("bert.block_count", config.layers);
  writer.set("bert.context_length", config.positions);
  writer.set("bert.embedding_length", config.hidden);
  writer.set("bert.feed_forward_length", config.feed_forward);
  writer.set("bert.attention.head_count", config.heads);
  writer.set("bert.attention.layer_norm_epsilon", config.epsilon);
  writer.set_flag("bert.attention.causal", false);
  writer.set("bert.pooling_type", pooling);
  writer.set("tokenizer.ggml.token_type_count", config.token_types);
}

/// Adds tensors under llama.cpp's names after a check of their shapes.
class TensorList {
 public:
  TensorList(const Safetensors& weights, const Config& config, GgufWriter& writer)
      : weights_(weights), config_(config), writer_(writer) {}

  Result<void> add_all(std::uint64_t vocab) {
    const std::uint64_t hidden = config_.hidden;
    const std::uint64_t wide = config_.feed_forward;
    MORGAN_CHECK_OK(add("token_embd.weight", "embeddings.word_embeddings.weight", {vocab, hidden}, GgmlType::kF16));
    MORGAN_CHECK_OK(add("position_embd.weight", "embeddings.position_embeddings.weight", {config_.positions, hidden},
                        GgmlType::kF32));
    MORGAN_CHECK_OK(add("token_types.weight", "embeddings.token_type_embeddings.weight", {config_.token_types, hidden},
                        GgmlType::kF32));
    MORGAN_CHECK_OK(norm("token_embd_norm", "embeddings.LayerNorm"));
    for (std::uint32_t i = 0; i < config_.layers; ++i) {
      const std::string to = "blk." + std::to_string(i) + ".";
      const std::string from = "encoder.layer." + std::to_string(i) + ".";
      MORGAN_CHECK_OK(linear(to + "attn_q", from + "attention.self.query", hidden, hidden));
      MORGAN_CHECK_OK(linear(to + "attn_k", from + "attention.self.key", hidden, hidden));
      MORGAN_CHECK_OK(linear(to + "attn_v", from + "attention.self.value", hidden, hidden));
      MORGAN_CHECK_OK(linear(to + "attn_output", from + "attention.output.dense", hidden, hidden));
      MORGAN_CHECK_OK(norm(to + "attn_output_norm", from + "attention.output.LayerNorm"));
      MORGAN_CHECK_OK(linear(to + "ffn_up", from + "intermediate.dense", wide, hidden));
      MORGAN_CHECK_OK(linear(to + "ffn_down", from + "output.dense", hidden, wide));
      MORGAN_CHECK_OK(norm(to + "layer_output_norm", from + "output.LayerNorm"));
    }
    return {};
  }

  /// Some files have "bert." before every name.
  const StoredTensor* find(const std::string& name) const {
    const StoredTensor* tensor = weights_.find(name);
    return tensor != nullptr ? tensor : weights_.find("bert." + name);
  }

 private:
  Result<void> linear(const std::string& to, const std::string& from, std::uint64_t rows, std::uint64_t columns) {
    MORGAN_CHECK_OK(add(to + ".weight", from + ".weight", {rows, columns}, GgmlType::kF16));
    return add(to + ".bias", from + ".bias", {rows}, GgmlType::kF32);
  }

  Result<void> norm(const std::string& to, const std::string& from) {
    MORGAN_CHECK_OK(add(to + ".weight", from + ".weight", {config_.hidden}, GgmlType::kF32));
    return add(to + ".bias", from + ".bias", {config_.hidden}, GgmlType::kF32);
  }

  Result<void> add(const std::string& to, const std::string& from, const std::vector<std::uint64_t>& shape,
                   GgmlType type) {
    const StoredTensor* tensor = find(from);
    if (tensor == nullptr) return weights_.file().corrupt(from + " is missing");
    if (tensor->shape != shape) {
      return weights_.file().corrupt(from + " has the shape " + shape_text(tensor->shape) + ", expected " +
                                     shape_text(shape));
    }
    if (tensor->type == StoredType::kOther) {
      return fail(ErrorCode::kUnsupported, from + " does not hold floating-point numbers");
    }
    writer_.add(to, *tensor, type);
    return {};
  }

  const Safetensors& weights_;
  const Config& config_;
  GgufWriter& writer_;
};

}  // namespace

Result<void> import_minilm(const fs::path& folder, const fs::path& output, const ImportProgress& progress) {
  MORGAN_TRY(const Config config, read_config(folder));
  MORGAN_TRY(const std::uint32_t pooling, read_pooling(folder));
  MORGAN_TRY(const Safetensors weights, Safetensors::open(folder / "model.safetensors"));
  GgufWriter writer;
  set_sizes(config, pooling, writer);
  TensorList tensors(weights, config, writer);
  const StoredTensor* words = tensors.find("embeddings.word_embeddings.weight");
  if (words == nullptr || words->shape.empty()) return weights.file().corrupt("has no word embeddings");
  MORGAN_CHECK_OK(set_vocabulary(folder, words->shape[0], writer));
  MORGAN_CHECK_OK(tensors.add_all(words->shape[0]));
  MORGAN_TRY(PartFile out, PartFile::create(output));
  MORGAN_CHECK_OK(writer.write(weights.file(), out, progress));
  return out.commit();
}

}  // namespace morgan::models
