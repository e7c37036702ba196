#include "base/file.h"
#include "models/import/append.h"
#include "models/import/import.h"
#include "models/import/tensor_data.h"
#include "models/import/whisper_vocab.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace morgan::models {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr std::uint32_t kState = 64;
constexpr std::uint32_t kVocab = 6;

void append_name(std::string& out, const std::string& name) {
  append(out, static_cast<std::uint16_t>(name.size() + 1));
  out += name + '\0';
}

/// A CTranslate2 Whisper of one layer each, every number of tensor k being k + index / 1000.
class TinyModel {
 public:
  explicit TinyModel(std::uint8_t type = 4) : type_(type) {
    add("decoder/embeddings/weight", {kVocab, kState});
    add("decoder/position_encodings/encodings", {16, kState});
    norm("decoder/layer_norm");
    layer("decoder/layer_0/", true);
    add("encoder/conv1/weight", {kState, 80, 3});
    add("encoder/conv1/bias", {kState});
    add("encoder/conv2/weight", {kState, kState, 3});
    add("encoder/conv2/bias", {kState});
    add("encoder/position_encodings/encodings", {20, kState});
    norm("encoder/layer_norm");
    layer("encoder/layer_0/", false);
    heads("encoder/num_heads");
    heads("decoder/num_heads");
  }

  std::string bytes(std::uint32_t version = 6, const std::string& spec = "WhisperSpec") const {
    std::string out;
    append(out, version);
    append_name(out, spec);
    append(out, std::uint32_t{3});
    append(out, count_);
    out += variables_;
    append(out, std::uint32_t{1});
    append_name(out, "decoder/projection/weight");
    append_name(out, "decoder/embeddings/weight");
    return out;
  }

 private:
  void add(const std::string& name, const std::vector<std::uint32_t>& shape) {
    append_name(variables_, name);
    append(variables_, static_cast<std::uint8_t>(shape.size()));
    std::uint32_t numbers = 1;
    for (const std::uint32_t side : shape) {
      append(variables_, side);
      numbers *= side;
    }
    const std::uint32_t width = type_ == 0 ? 4 : type_ == 1 ? 1 : 2;
    append(variables_, type_);
    append(variables_, numbers * width);
    for (std::uint32_t i = 0; i < numbers; ++i) {
      const float value = static_cast<float>(count_) + static_cast<float>(i % 1000) / 1000;
      if (type_ == 0) append(variables_, value);
      if (type_ == 1) append(variables_, std::int8_t{1});
      if (type_ == 4) append(variables_, float_to_half(value));
    }
    ++count_;
  }
  void norm(const std::string& name) {
    add(name + "/gamma", {kState});
    add(name + "/beta", {kState});
  }
  void linear(const std::string& name, std::uint32_t rows, std::uint32_t columns) {
    add(name + "/weight", {rows, columns});
    add(name + "/bias", {rows});
  }
  void layer(const std::string& name, bool cross) {
    norm(name + "self_attention/layer_norm");
    linear(name + "self_attention/linear_0", 3 * kState, kState);
    linear(name + "self_attention/linear_1", kState, kState);
    if (cross) {
      norm(name + "attention/layer_norm");
      linear(name + "attention/linear_0", kState, kState);
      linear(name + "attention/linear_1", 2 * kState, kState);
      linear(name + "attention/linear_2", kState, kState);
    }
    norm(name + "ffn/layer_norm");
    linear(name + "ffn/linear_0", 4 * kState, kState);
    linear(name + "ffn/linear_1", kState, 4 * kState);
  }
  void heads(const std::string& name) {
    append_name(variables_, name);
    append(variables_, std::uint8_t{0});
    append(variables_, std::uint8_t{2});
    append(variables_, std::uint32_t{2});
    append(variables_, std::int16_t{2});
    ++count_;
  }

  std::uint8_t type_;
  std::uint32_t count_ = 0;
  std::string variables_;
};

class ImportWhisper : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    put("model.bin", TinyModel().bytes());
    put("config.json", "{}");
    put("vocabulary.txt", "!\n\u0120a\n\u010a\n<|endoftext|>\n<|startoftranscript|>\n<|0.00|>\n");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void put(const std::string& name, const std::string& content) {
    ASSERT_TRUE(write_file_atomically(folder_ / name, content));
  }
  Result<void> run(bool quantize = false) { return import_faster_whisper(folder_, output_, quantize, {}); }
  std::string output() const { return *read_file(output_, 100'000'000); }

  fs::path folder_ = fs::path(testing::TempDir()) / "import_whisper";
  fs::path output_ = folder_ / "out" / "ggml.bin";
};

/// One tensor of a ggml file.
struct GgmlTensor {
  std::uint32_t type = 0;
  std::vector<std::int32_t> sides;
  std::string data;
};

std::map<std::string, GgmlTensor> tensors_of(const std::string& file, std::size_t words_bytes) {
  std::map<std::string, GgmlTensor> tensors;
  std::size_t at = 4 + 11 * 4 + 2 * 4 + 80 * 201 * 4 + 4 + words_bytes;
  const auto integer = [&] {
    std::int32_t value = 0;
    std::memcpy(&value, file.data() + at, sizeof value);
    at += sizeof value;
    return value;
  };
  while (at < file.size()) {
    GgmlTensor tensor;
    const std::int32_t rank = integer();
    const std::int32_t length = integer();
    tensor.type = static_cast<std::uint32_t>(integer());
    std::uint64_t count = 1;
    for (std::int32_t i = 0; i < rank; ++i) {
      tensor.sides.push_back(integer());
      count *= static_cast<std::uint64_t>(tensor.sides.back());
    }
    const std::string name = file.substr(at, static_cast<std::size_t>(length));
    at += static_cast<std::size_t>(length);
    const std::size_t bytes = bytes_of(static_cast<GgmlType>(tensor.type), count);
    tensor.data = file.substr(at, bytes);
    at += bytes;
    tensors[name] = std::move(tensor);
  }
  return tensors;
}

constexpr std::size_t kWordsBytes = 3 * 4 + 4;  // "!", " a", "\n"

TEST_F(ImportWhisper, WritesHeaderWordsAndAllTensors) {
  ASSERT_TRUE(run());
  const std::string file = output();
  std::array<std::int32_t, 14> head{};
  std::memcpy(head.data(), file.data(), sizeof head);
  EXPECT_THAT(head, testing::ElementsAre(0x67676d6c, 6, 20, 64, 2, 1, 16, 64, 2, 1, 80, 1, 80, 201));
  const std::map<std::string, GgmlTensor> tensors = tensors_of(file, kWordsBytes);
  EXPECT_EQ(tensors.size(), 5U + 2U + 4U + 1U * 15U + 1U * 24U);
  EXPECT_THAT(tensors.at("encoder.conv1.weight").sides, testing::ElementsAre(3, 80, 64));
  EXPECT_THAT(tensors.at("encoder.conv1.bias").sides, testing::ElementsAre(1, 64));
  EXPECT_EQ(tensors.at("encoder.conv1.bias").type, 0U);
  EXPECT_EQ(tensors.at("encoder.positional_embedding").type, 0U);
  EXPECT_EQ(tensors.at("decoder.token_embedding.weight").type, 1U);
  EXPECT_THAT(tensors.at("decoder.token_embedding.weight").sides, testing::ElementsAre(64, 6));
  EXPECT_FALSE(tensors.contains("encoder.blocks.0.attn.key.bias"));
}

TEST_F(ImportWhisper, SplitsFusedQueryKeyValue) {
  ASSERT_TRUE(run());
  const std::map<std::string, GgmlTensor> tensors = tensors_of(output(), kWordsBytes);
  const auto first_number = [&](const std::string& name) {
    std::uint16_t half = 0;
    std::memcpy(&half, tensors.at(name).data.data(), sizeof half);
    return half_to_float(half);
  };
  const float query = first_number("encoder.blocks.0.attn.query.weight");
  const std::uint32_t step = kState * kState;
  EXPECT_EQ(query, std::floor(query));
  EXPECT_NEAR(first_number("encoder.blocks.0.attn.key.weight") - query, static_cast<float>(step % 1000) / 1000, 0.02);
  EXPECT_NEAR(first_number("encoder.blocks.0.attn.value.weight") - query, static_cast<float>(2 * step % 1000) / 1000,
              0.02);
  const float cross_key = first_number("decoder.blocks.0.cross_attn.key.weight");
  EXPECT_NEAR(first_number("decoder.blocks.0.cross_attn.value.weight") - cross_key,
              static_cast<float>(step % 1000) / 1000, 0.02);
}

TEST_F(ImportWhisper, QuantizesTwoDimensionalWeightsOnly) {
  ASSERT_TRUE(run(true));
  const std::string file = output();
  std::int32_t type = 0;
  std::memcpy(&type, file.data() + 44, sizeof type);
  EXPECT_EQ(type, 2007);
  const std::map<std::string, GgmlTensor> tensors = tensors_of(file, kWordsBytes);
  EXPECT_EQ(tensors.at("decoder.token_embedding.weight").type, 8U);
  EXPECT_EQ(tensors.at("decoder.blocks.0.mlp.0.weight").type, 8U);
  EXPECT_EQ(tensors.at("encoder.conv2.weight").type, 1U);
  EXPECT_EQ(tensors.at("decoder.positional_embedding").type, 0U);
  EXPECT_EQ(tensors.at("encoder.conv2.bias").type, 0U);
}

TEST_F(ImportWhisper, ReadsFloat32AsWell) {
  ASSERT_TRUE(run());
  const std::string from_half = output();
  put("model.bin", TinyModel(0).bytes());
  ASSERT_TRUE(run());
  EXPECT_EQ(output().size(), from_half.size());
}

TEST_F(ImportWhisper, RefusesIntegerWeightsAndOtherModels) {
  put("model.bin", TinyModel(1).bytes());
  Result<void> result = run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(result.error().message, HasSubstr("int8"));
  put("model.bin", TinyModel().bytes(6, "TransformerSpec"));
  EXPECT_EQ(run().error().code, ErrorCode::kUnsupported);
  put("model.bin", TinyModel().bytes(9));
  EXPECT_EQ(run().error().code, ErrorCode::kUnsupported);
  EXPECT_FALSE(fs::exists(output_));
}

TEST_F(ImportWhisper, NamesMissingFiles) {
  for (const char* name : {"vocabulary.txt", "model.bin", "config.json"}) {
    const std::string content = *read_file(folder_ / name, 100'000'000);
    fs::remove(folder_ / name);
    const Result<void> result = run();
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().code, ErrorCode::kNotFound) << name;
    put(name, content);
  }
}

TEST_F(ImportWhisper, TruncatedModelsAreCorruptAndLeaveNothing) {
  const std::string whole = TinyModel().bytes();
  for (std::size_t kept = 4; kept < whole.size(); kept = kept < 2000 ? kept + 7 : kept * 2) {
    put("model.bin", whole.substr(0, kept));
    const Result<void> result = run(true);
    ASSERT_FALSE(result) << kept;
    ASSERT_EQ(result.error().code, ErrorCode::kCorrupt) << kept << " " << result.error().message;
    ASSERT_FALSE(fs::exists(output_)) << kept;
    ASSERT_FALSE(fs::exists(output_.string() + ".part")) << kept;
  }
}

TEST_F(ImportWhisper, DamagedHeadersNeverCrash) {
  const std::string whole = TinyModel().bytes();
  int failed = 0;
  for (std::size_t i = 0; i < 200; ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ '\xff');
    put("model.bin", damaged);
    failed += run(true) ? 0 : 1;
  }
  EXPECT_GT(failed, 60);  // the others are inside names of tensors' numbers
}

TEST_F(ImportWhisper, VocabulariesOfAllFormsAgree) {
  const Result<std::vector<std::string>> from_text = read_whisper_vocab(folder_);
  ASSERT_TRUE(from_text);
  EXPECT_THAT(*from_text, testing::ElementsAre("!", " a", "\n"));
  fs::remove(folder_ / "vocabulary.txt");
  put("vocabulary.json", R"(["!", "\u0120a", "\u010a", "<|endoftext|>"])");
  EXPECT_EQ(*read_whisper_vocab(folder_), *from_text);
  fs::remove(folder_ / "vocabulary.json");
  put("tokenizer.json", R"({"model": {"vocab": {"\u010a": 2, "!": 0, "\u0120a": 1, "<|endoftext|>": 3}}})");
  EXPECT_EQ(*read_whisper_vocab(folder_), *from_text);
  for (const char* bad :
       {"[]", R"({"model": 3})", R"({"model": {"vocab": {"a": 1}}})", "{", R"({"model": {"vocab": {"\u4e2d": 0}}})"}) {
    put("tokenizer.json", bad);
    const Result<std::vector<std::string>> words = read_whisper_vocab(folder_);
    ASSERT_FALSE(words) << bad;
    EXPECT_EQ(words.error().code, ErrorCode::kCorrupt) << bad;
  }
}

}  // namespace
}  // namespace morgan::models
