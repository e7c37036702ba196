#include "base/file.h"
#include "base/json_util.h"
#include "models/import/import.h"
#include "models/import/tensor_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace morgan::models {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr int kHidden = 32;
constexpr std::string_view kWords = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhello\n##ing\n";

/// A BERT of one layer in the form of sentence-transformers.
class ImportMinilm : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    put("config.json", R"({"model_type": "bert", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
                           "num_attention_heads": 4, "max_position_embeddings": 8, "type_vocab_size": 2,
                           "layer_norm_eps": 1e-12})");
    put("vocab.txt", std::string(kWords));
    put("model.safetensors", weights());
  }
  void TearDown() override { fs::remove_all(folder_); }

  static std::string weights(const std::string& prefix = "", const std::string& type = "F32") {
    std::string data;
    Json header = Json::object();
    const auto add = [&](const std::string& name, const std::vector<int>& shape) {
      std::size_t count = 1;
      for (const int side : shape)
        count *= static_cast<std::size_t>(side);
      const std::size_t start = data.size();
      for (std::size_t i = 0; i < count; ++i) {
        const float value = static_cast<float>(i % 7) - 3;
        const std::size_t end = data.size();
        data.resize(end + sizeof value);
        std::memcpy(data.data() + end, &value, sizeof value);
      }
      header[prefix + name] = {{"dtype", type}, {"shape", shape}, {"data_offsets", {start, data.size()}}};
    };
    const auto linear = [&](const std::string& name, int rows, int columns) {
      add(name + ".weight", {rows, columns});
      add(name + ".bias", {rows});
    };
    const auto norm = [&](const std::string& name) {
      add(name + ".weight", {kHidden});
      add(name + ".bias", {kHidden});
    };
    add("embeddings.word_embeddings.weight", {7, kHidden});
    add("embeddings.position_embeddings.weight", {8, kHidden});
    add("embeddings.token_type_embeddings.weight", {2, kHidden});
    norm("embeddings.LayerNorm");
    for (const char* part : {"query", "key", "value"}) {
      linear("encoder.layer.0.attention.self." + std::string(part), kHidden, kHidden);
    }
    linear("encoder.layer.0.attention.output.dense", kHidden, kHidden);
    norm("encoder.layer.0.attention.output.LayerNorm");
    linear("encoder.layer.0.intermediate.dense", 2 * kHidden, kHidden);
    linear("encoder.layer.0.output.dense", kHidden, 2 * kHidden);
    norm("encoder.layer.0.output.LayerNorm");
    add("pooler.dense.weight", {kHidden, kHidden});
    const std::string text = dump_json(header);
    std::string file(8, '\0');
    const std::uint64_t length = text.size();
    std::memcpy(file.data(), &length, sizeof length);
    return file + text + data;
  }

  void put(const std::string& name, const std::string& content) {
    ASSERT_TRUE(write_file_atomically(folder_ / name, content));
  }
  Result<void> run() { return import_minilm(folder_, output_, {}); }
  std::string output() const { return *read_file(output_, 10'000'000); }

  fs::path folder_ = fs::path(testing::TempDir()) / "import_minilm";
  fs::path output_ = folder_ / "out.gguf";
};

TEST_F(ImportMinilm, WritesAGgufWithVocabularyAndTensors) {
  ASSERT_TRUE(run());
  const std::string file = output();
  EXPECT_EQ(file.substr(0, 4), "GGUF");
  std::uint64_t tensors = 0;
  std::memcpy(&tensors, file.data() + 8, sizeof tensors);
  EXPECT_EQ(tensors, 5U + 16U);
  for (const char* text :
       {"general.architecture", "bert.pooling_type", "\u2581hello", "tokenizer.ggml.token_type_count",
        "blk.0.attn_output_norm.weight", "blk.0.ffn_up.bias", "position_embd.weight"}) {
    EXPECT_THAT(file, HasSubstr(text));
  }
  EXPECT_THAT(file, testing::Not(HasSubstr("##ing")));
  EXPECT_THAT(file, testing::Not(HasSubstr("pooler")));
  EXPECT_EQ(file.size() % 32, 0U);
}

TEST_F(ImportMinilm, UnderstandsNamesWithThePrefix) {
  ASSERT_TRUE(run());
  const std::string plain = output();
  put("model.safetensors", weights("bert."));
  ASSERT_TRUE(run());
  EXPECT_EQ(output(), plain);
}

TEST_F(ImportMinilm, NamesMissingFiles) {
  for (const char* name : {"vocab.txt", "model.safetensors", "config.json"}) {
    const std::string content = *read_file(folder_ / name, 10'000'000);
    fs::remove(folder_ / name);
    const Result<void> result = run();
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().code, ErrorCode::kNotFound) << name;
    put(name, content);
  }
}

TEST_F(ImportMinilm, RefusesWhatIsNoBert) {
  put("config.json", R"({"model_type": "gpt2"})");
  EXPECT_EQ(run().error().code, ErrorCode::kUnsupported);
}

TEST_F(ImportMinilm, RefusesIntegerWeights) {
  put("model.safetensors", weights("", "I32"));
  EXPECT_EQ(run().error().code, ErrorCode::kUnsupported);
  EXPECT_FALSE(fs::exists(output_));
}

TEST_F(ImportMinilm, RefusesAVocabularyOfAnotherSize) {
  put("vocab.txt", std::string(kWords) + "more\n");
  const Result<void> result = run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
}

TEST_F(ImportMinilm, TruncatedOrDamagedFilesAreCorrupt) {
  const std::string whole = weights();
  for (std::size_t kept = 0; kept < whole.size(); kept += kept < 4000 ? 97 : 5003) {
    put("model.safetensors", whole.substr(0, kept));
    const Result<void> result = run();
    ASSERT_FALSE(result) << kept;
    ASSERT_EQ(result.error().code, ErrorCode::kCorrupt) << kept;
  }
  for (std::size_t i = 0; i < 400; i += 3) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ '\x15');
    put("model.safetensors", damaged);
    static_cast<void>(run());  // must not crash; some damage is inside a name that is not needed
  }
  for (const char* offsets : {"[4,2]", "[0,99999999999]", "[18446744073709551615,3]", "[-1,3]", "[0]", "7"}) {
    const std::string text = R"({"embeddings.word_embeddings.weight":{"dtype":"F32","shape":[1],"data_offsets":)" +
                             std::string(offsets) + "}}";
    std::string file(8, '\0');
    const std::uint64_t length = text.size();
    std::memcpy(file.data(), &length, sizeof length);
    put("model.safetensors", file + text);
    EXPECT_EQ(run().error().code, ErrorCode::kCorrupt) << offsets;
  }
}

}  // namespace
}  // namespace morgan::models
