// faster-whisper to whisper.cpp. @source whisper.cpp, models/convert-h5-to-ggml.py for the layout, and
// examples/quantize for which tensors are quantized.
#include "models/import/ct2_file.h"
#include "models/import/import.h"
#include "models/import/mel_filters.h"
#include "models/import/whisper_vocab.h"
#include "models/part_file.h"

#include <cstring>
#include <limits>

namespace morgan::models {

namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kGgmlMagic = 0x67676d6c;
constexpr int kFileTypeF16 = 1;
constexpr int kFileTypeQ8 = 2 * 1000 + 7;  // quantization version 2, mostly q8_0
constexpr long long kHeadSize = 64;        // of every Whisper; used when the file does not tell
constexpr std::uint64_t kMaxSide = 1'000'000;
constexpr int kMaxLayers = 256;

struct Sizes {
  std::uint64_t vocab = 0;
  std::uint64_t audio_context = 0;
  std::uint64_t state = 0;
  std::uint64_t text_context = 0;
  std::uint64_t mels = 0;
  int audio_heads = 0;
  int text_heads = 0;
  int audio_layers = 0;
  int text_layers = 0;
};

template <typename T>
Result<void> put(PartFile& out, T value) {
  return out.write(std::as_bytes(std::span(&value, 1)));
}

Result<void> put_int(PartFile& out, std::uint64_t value) {
  return put(out, static_cast<std::int32_t>(value));
}

int count_layers(const Ct2File& model, const std::string& prefix) {
  int layers = 0;
  while (layers < kMaxLayers && model.has(prefix + std::to_string(layers) + "/ffn/linear_0/weight"))
    ++layers;
  return layers;
}

/// The sides of a tensor that must have as many dimensions as `rank`.
Result<std::vector<std::uint64_t>> shape_of(const Ct2File& model, const std::string& name, std::size_t rank) {
  MORGAN_TRY(const StoredTensor* tensor, model.tensor(name));
  bool sane = tensor->shape.size() == rank;
  for (const std::uint64_t side : tensor->shape)
    sane = sane && side > 0 && side <= kMaxSide;
  if (!sane) return model.file().corrupt(name + " has the shape " + shape_text(tensor->shape));
  return tensor->shape;
}

Result<int> heads_of(const Ct2File& model, const std::string& name, std::uint64_t state) {
  MORGAN_TRY(const std::optional<long long> stored, model.integer(name));
  const long long heads = stored.value_or(static_cast<long long>(state) / kHeadSize);
  if (heads <= 0 || static_cast<long long>(state) % heads != 0) {
    return model.file().corrupt(name + " is " + std::to_string(heads));
  }
  return static_cast<int>(heads);
}

Result<Sizes> read_sizes(const Ct2File& model) {
  Sizes sizes;
  MORGAN_TRY(const auto embeddings, shape_of(model, "decoder/embeddings/weight", 2));
  MORGAN_TRY(const auto audio, shape_of(model, "encoder/position_encodings/encodings", 2));
  MORGAN_TRY(const auto text, shape_of(model, "decoder/position_encodings/encodings", 2));
  MORGAN_TRY(const auto conv, shape_of(model, "encoder/conv1/weight", 3));
  sizes.vocab = embeddings[0];
  sizes.state = embeddings[1];
  sizes.audio_context = audio[0];
  sizes.text_context = text[0];
  sizes.mels = conv[1];
  if (sizes.mels != 80 && sizes.mels != 128) {
    return fail(ErrorCode::kUnsupported, "not a Whisper: " + std::to_string(sizes.mels) + " mel bands, not 80 or 128");
  }
  MORGAN_TRY(sizes.audio_heads, heads_of(model, "encoder/num_heads", sizes.state));
  MORGAN_TRY(sizes.text_heads, heads_of(model, "decoder/num_heads", sizes.state));
  sizes.audio_layers = count_layers(model, "encoder/layer_");
  sizes.text_layers = count_layers(model, "decoder/layer_");
  if (sizes.audio_layers == 0 || sizes.text_layers == 0) return model.file().corrupt("has no layers");
  return sizes;
}

/// Writes tensors, in whisper.cpp's names and types, and tells how far it is.
class Converter {
 public:
  Converter(const Ct2File& model, const Sizes& sizes, bool quantize, PartFile& out, const ImportProgress& progress)
      : model_(model), sizes_(sizes), quantize_(quantize), out_(out), progress_(progress) {}

  Result<void> run() {
    const std::uint64_t state = sizes_.state;
    MORGAN_CHECK_OK(copy("encoder.positional_embedding", "encoder/position_encodings/encodings",
                         {sizes_.audio_context, state}, GgmlType::kF32));
    MORGAN_CHECK_OK(copy("encoder.conv1.weight", "encoder/conv1/weight", {state, sizes_.mels, 3}, GgmlType::kF16));
    MORGAN_CHECK_OK(copy("encoder.conv1.bias", "encoder/conv1/bias", {state, 1}, GgmlType::kF32));
    MORGAN_CHECK_OK(copy("encoder.conv2.weight", "encoder/conv2/weight", {state, state, 3}, GgmlType::kF16));
    MORGAN_CHECK_OK(copy("encoder.conv2.bias", "encoder/conv2/bias", {state, 1}, GgmlType::kF32));
    MORGAN_CHECK_OK(norm("encoder.ln_post", "encoder/layer_norm"));
    for (int i = 0; i < sizes_.audio_layers; ++i) {
      const std::string number = std::to_string(i);
      MORGAN_CHECK_OK(layer("encoder.blocks." + number + ".", "encoder/layer_" + number + "/", false));
    }
    MORGAN_CHECK_OK(copy("decoder.positional_embedding", "decoder/position_encodings/encodings",
                         {sizes_.text_context, state}, GgmlType::kF32));
    MORGAN_CHECK_OK(
        copy("decoder.token_embedding.weight", "decoder/embeddings/weight", {sizes_.vocab, state}, weight_type()));
    MORGAN_CHECK_OK(norm("decoder.ln", "decoder/layer_norm"));
    for (int i = 0; i < sizes_.text_layers; ++i) {
      const std::string number = std::to_string(i);
      MORGAN_CHECK_OK(layer("decoder.blocks." + number + ".", "decoder/layer_" + number + "/", true));
    }
    return {};
  }

 private:
  GgmlType weight_type() const { return quantize_ ? GgmlType::kQ8_0 : GgmlType::kF16; }

  Result<void> layer(const std::string& to, const std::string& from, bool with_cross_attention) {
    const std::uint64_t state = sizes_.state;
    const std::string self = from + "self_attention/";
    MORGAN_CHECK_OK(norm(to + "attn_ln", self + "layer_norm"));
    // Query, key and value lie one after the other in linear_0. Whisper's keys have no bias: it is zero there.
    MORGAN_CHECK_OK(linear(to + "attn.query", self + "linear_0", state, state, 0, 3, true));
    MORGAN_CHECK_OK(linear(to + "attn.key", self + "linear_0", state, state, 1, 3, false));
    MORGAN_CHECK_OK(linear(to + "attn.value", self + "linear_0", state, state, 2, 3, true));
    MORGAN_CHECK_OK(linear(to + "attn.out", self + "linear_1", state, state, 0, 1, true));
    if (with_cross_attention) {
      const std::string cross = from + "attention/";
      MORGAN_CHECK_OK(norm(to + "cross_attn_ln", cross + "layer_norm"));
      MORGAN_CHECK_OK(linear(to + "cross_attn.query", cross + "linear_0", state, state, 0, 1, true));
      MORGAN_CHECK_OK(linear(to + "cross_attn.key", cross + "linear_1", state, state, 0, 2, false));
      MORGAN_CHECK_OK(linear(to + "cross_attn.value", cross + "linear_1", state, state, 1, 2, true));
      MORGAN_CHECK_OK(linear(to + "cross_attn.out", cross + "linear_2", state, state, 0, 1, true));
    }
    MORGAN_CHECK_OK(norm(to + "mlp_ln", from + "ffn/layer_norm"));
    MORGAN_CHECK_OK(linear(to + "mlp.0", from + "ffn/linear_0", 4 * state, state, 0, 1, true));
    MORGAN_CHECK_OK(linear(to + "mlp.2", from + "ffn/linear_1", state, 4 * state, 0, 1, true));
    return {};
  }

  Result<void> norm(const std::string& to, const std::string& from) {
    MORGAN_CHECK_OK(copy(to + ".weight", from + "/gamma", {sizes_.state}, GgmlType::kF32));
    return copy(to + ".bias", from + "/beta", {sizes_.state}, GgmlType::kF32);
  }

  /// Part `part` of `parts` matrices that were stacked into one.
  Result<void> linear(const std::string& to, const std::string& from, std::uint64_t rows, std::uint64_t columns,
                      std::uint64_t part, std::uint64_t parts, bool with_bias) {
    MORGAN_CHECK_OK(copy(to + ".weight", from + "/weight", {rows, columns}, weight_type(), part, parts));
    if (!with_bias) return {};
    return copy(to + ".bias", from + "/bias", {rows}, GgmlType::kF32, part, parts);
  }

  Result<void> copy(const std::string& to, const std::string& from, const std::vector<std::uint64_t>& shape,
                    GgmlType type, std::uint64_t part = 0, std::uint64_t parts = 1) {
    MORGAN_TRY(const StoredTensor* tensor, model_.tensor(from));
    std::vector<std::uint64_t> expected = shape;
    expected[0] *= parts;
    // A bias of a convolution is a column there and a plain list here.
    if (expected.size() == 2 && expected[1] == 1) expected.pop_back();
    if (tensor->shape != expected) {
      return model_.file().corrupt(from + " has the shape " + shape_text(tensor->shape) + ", expected " +
                                   shape_text(expected));
    }
    if (type == GgmlType::kQ8_0 && shape.back() % kQ8Block != 0) {
      return fail(ErrorCode::kUnsupported, from + " cannot be quantized: its rows are not a multiple of 32");
    }
    MORGAN_CHECK_OK(put_int(out_, shape.size()));
    MORGAN_CHECK_OK(put_int(out_, to.size()));
    MORGAN_CHECK_OK(put_int(out_, static_cast<std::uint64_t>(type)));
    for (auto side = shape.rbegin(); side != shape.rend(); ++side)
      MORGAN_CHECK_OK(put_int(out_, *side));
    MORGAN_CHECK_OK(out_.write(to));
    std::uint64_t count = 1;
    for (const std::uint64_t side : shape)
      count *= side;
    MORGAN_CHECK_OK(write_numbers(model_.file(), *tensor, part * count, count, type, out_));
    bytes_read_ += count * size_of(tensor->type);
    if (progress_) progress_(static_cast<double>(bytes_read_) / static_cast<double>(model_.file().size()));
    return {};
  }

  const Ct2File& model_;
  const Sizes& sizes_;
  bool quantize_;
  PartFile& out_;
  const ImportProgress& progress_;
  std::uint64_t bytes_read_ = 0;
};

Result<void> write_header(PartFile& out, const Sizes& sizes, bool quantize, const std::vector<std::string>& words) {
  MORGAN_CHECK_OK(put(out, kGgmlMagic));
  const std::uint64_t fields[] = {sizes.vocab,
                                  sizes.audio_context,
                                  sizes.state,
                                  static_cast<std::uint64_t>(sizes.audio_heads),
                                  static_cast<std::uint64_t>(sizes.audio_layers),
                                  sizes.text_context,
                                  sizes.state,
                                  static_cast<std::uint64_t>(sizes.text_heads),
                                  static_cast<std::uint64_t>(sizes.text_layers),
                                  sizes.mels,
                                  static_cast<std::uint64_t>(quantize ? kFileTypeQ8 : kFileTypeF16)};
  for (const std::uint64_t field : fields)
    MORGAN_CHECK_OK(put_int(out, field));
  const std::vector<float> filters = whisper_mel_filters(static_cast<int>(sizes.mels));
  MORGAN_CHECK_OK(put_int(out, sizes.mels));
  MORGAN_CHECK_OK(put_int(out, kWhisperSpectrumBins));
  MORGAN_CHECK_OK(out.write(std::as_bytes(std::span(filters))));
  MORGAN_CHECK_OK(put_int(out, words.size()));
  for (const std::string& word : words) {
    MORGAN_CHECK_OK(put_int(out, word.size()));
    MORGAN_CHECK_OK(out.write(word));
  }
  return {};
}

}  // namespace

Result<void> import_faster_whisper(const fs::path& folder, const fs::path& output, bool quantize_q8,
                                   const ImportProgress& progress) {
  std::error_code status;
  if (!fs::exists(folder / "config.json", status)) {
    return fail(ErrorCode::kNotFound, "no config.json in " + folder.string() + ": not a faster-whisper folder");
  }
  MORGAN_TRY(const Ct2File model, Ct2File::open(folder / "model.bin"));
  if (model.spec() != "WhisperSpec") {
    return fail(ErrorCode::kUnsupported,
                "not a Whisper: " + (folder / "model.bin").string() + " says '" + model.spec().substr(0, 64) + "'");
  }
  MORGAN_TRY(const Sizes sizes, read_sizes(model));
  MORGAN_TRY(const std::vector<std::string> words, read_whisper_vocab(folder));
  if (words.size() > sizes.vocab) {
    return fail(ErrorCode::kCorrupt, folder.string() + ": " + std::to_string(words.size()) +
                                         " words, but the model knows " + std::to_string(sizes.vocab));
  }
  MORGAN_TRY(PartFile out, PartFile::create(output));
  MORGAN_CHECK_OK(write_header(out, sizes, quantize_q8, words));
  MORGAN_CHECK_OK(Converter(model, sizes, quantize_q8, out, progress).run());
  MORGAN_CHECK_OK(out.commit());
  if (progress) progress(1.0);
  return {};
}

}  // namespace morgan::models
