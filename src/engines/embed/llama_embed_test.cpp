#include "engines/embed/llama_embed.h"

#include "base/file.h"

#include <cmath>
#include <cstdlib>
#include <fstream>

namespace morgan::engines {
namespace {

std::filesystem::path model_file() {
  return morgan_home() / "models/minilm/all-minilm-l6-v2.gguf";
}

std::filesystem::path temporary_file(const std::string& name) {
  return std::filesystem::path(testing::TempDir()) / name;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

/// Loaded once for all the tests that need the real model.
EmbedEngine* engine() {
  static const std::unique_ptr<EmbedEngine> loaded = []() -> std::unique_ptr<EmbedEngine> {
    if (!std::filesystem::exists(model_file())) return nullptr;
    auto made = load_llama_embed(model_file(), "minilm", 2);
    if (!made) {
      ADD_FAILURE() << made.error().message;
      return nullptr;
    }
    return std::move(*made);
  }();
  return loaded.get();
}

class Minilm : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(model_file())) GTEST_SKIP() << "no model file " << model_file();
    ASSERT_NE(engine(), nullptr);
  }

  static std::vector<std::vector<float>> vectors(const std::vector<std::string>& texts) {
    auto result = engine()->embed(texts, StopToken());
    EXPECT_TRUE(result) << result.error().message;
    return result ? std::move(*result).vectors : std::vector<std::vector<float>>(texts.size());
  }
};

TEST_F(Minilm, GivesUnitVectorsOf384Numbers) {
  EXPECT_EQ(engine()->dimension(), 384);
  for (const auto& vector : vectors({"Hello world", "", "\xf0\x9f\x98\x80 \xe4\xbd\xa0\xe5\xa5\xbd"})) {
    ASSERT_EQ(vector.size(), 384U);
    EXPECT_NEAR(cosine(vector, vector), 1.0, 1e-4);
  }
}

TEST_F(Minilm, PutsSentencesOfLikeMeaningCloserThanOthers) {
  const auto v = vectors({"How do I reset my password?", "I forgot my login credentials.",
                          "The weather is sunny today.", "It is warm and the sky is clear."});
  EXPECT_GT(cosine(v[0], v[1]), cosine(v[0], v[2]) + 0.2);
  EXPECT_GT(cosine(v[2], v[3]), cosine(v[1], v[3]) + 0.2);
}

// The model's card: these three sentences score 0.6660, 0.1046 and 0.1411 with sentence-transformers.
TEST_F(Minilm, AgreesWithTheModelCard) {
  const auto v = vectors({"The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."});
  EXPECT_NEAR(cosine(v[0], v[1]), 0.6660, 0.02);
  EXPECT_NEAR(cosine(v[0], v[2]), 0.1046, 0.02);
  EXPECT_NEAR(cosine(v[1], v[2]), 0.1411, 0.02);
}

TEST_F(Minilm, GivesTheSameVectorAloneAndInABatch) {
  std::vector<std::string> texts;
  for (int i = 0; i < 70; ++i)
    texts.push_back("Sentence number " + std::to_string(i) + " of a list.");
  const auto together = vectors(texts);
  ASSERT_EQ(together.size(), texts.size());
  for (const std::size_t i : {0U, 33U, 69U}) {
    EXPECT_GT(cosine(together[i], vectors({texts[i]})[0]), 0.999) << texts[i];
  }
}

TEST_F(Minilm, CountsTokensAndCutsLongTexts) {
  const std::vector<std::string> two = {"hello", "hello world"};
  auto counted = engine()->embed(two, StopToken());
  ASSERT_TRUE(counted);
  EXPECT_EQ(counted->prompt_tokens, 3 + 4);  // with the start and end marks

  std::string text;
  for (int i = 0; i < 600; ++i)
    text += "word ";
  const std::vector<std::string> cut = {text};
  auto first = engine()->embed(cut, StopToken());
  ASSERT_TRUE(first);
  EXPECT_EQ(first->prompt_tokens, 512);
  EXPECT_EQ(first->context_tokens, 512);
  EXPECT_EQ(first->first_cut, std::optional<std::size_t>(0));
  EXPECT_GT(cosine(first->vectors[0], vectors({text + std::string(200'000, 'x')})[0]), 0.999);
}

TEST_F(Minilm, ServesThreadsAtOnce) {
  const auto expected = vectors({"one", "two", "three", "four"});
  const std::vector<std::string> words = {"one", "two", "three", "four"};
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < words.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5; ++i) {
        auto got = engine()->embed(std::span(&words[t], 1), StopToken());
        if (!got || cosine(got->vectors[0], expected[t]) < 0.999) ++wrong;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Minilm, StopsWhenAsked) {
  StopSource source;
  source.request_stop(StopReason::kClientGone);
  const std::vector<std::string> texts(10, "text");
  auto result = engine()->embed(texts, source.token());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
}

TEST_F(Minilm, RefusesATruncatedCopyOfItself) {
  const auto path = temporary_file("truncated_minilm.gguf");
  auto bytes = read_file(model_file(), 200'000'000);
  ASSERT_TRUE(bytes);
  std::ofstream(path, std::ios::binary) << bytes->substr(0, bytes->size() / 2);
  auto result = load_llama_embed(path, "minilm", 1);
  std::filesystem::remove(path);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(result.error().message.find(path.string()), std::string::npos);
}

TEST(LlamaEmbed, SaysThatAFileIsMissingOrNoModel) {
  auto missing = load_llama_embed(temporary_file("no_such_model.gguf"), "x", 1);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);

  const auto path = temporary_file("text_as_model.gguf");
  std::ofstream(path) << "this is no model";
  auto corrupt = load_llama_embed(path, "x", 1);
  std::filesystem::remove(path);
  ASSERT_FALSE(corrupt);
  EXPECT_EQ(corrupt.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(corrupt.error().message.find(path.string()), std::string::npos);
}

}  // namespace
}  // namespace morgan::engines
