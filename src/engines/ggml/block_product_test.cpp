#include "engines/ggml/block_product.h"

#include <ggml.h>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

namespace morgan::engines {
namespace {

struct Format {
  ggml_type type;
  BlockFormat format;
};

std::ostream& operator<<(std::ostream& out, const Format& format) {
  return out << ggml_type_name(format.type);
}

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

class AlignedBytes {
 public:
  explicit AlignedBytes(std::size_t size)
      : size_((size + 63) / 64 * 64), bytes_(static_cast<std::byte*>(std::aligned_alloc(64, size_))) {}
  std::span<std::byte> get() const { return {bytes_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<std::byte, Free> bytes_;
};

/// A matrix as a model file has it, and what its values are.
struct Weights {
  Weights(const Format& of, std::size_t row_count, std::size_t column_count, std::uint32_t seed)
      : rows(row_count), columns(column_count), values(rows * columns) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, 0.04F);
    for (float& value : values)
      value = normal(random);
    const std::size_t row_bytes = columns / block_length(of.format) * block_bytes(of.format);
    EXPECT_EQ(row_bytes, ggml_row_size(of.type, static_cast<std::int64_t>(columns)));
    bytes.resize(row_bytes * rows);
    ggml_quantize_chunk(of.type, values.data(), bytes.data(), 0, static_cast<std::int64_t>(rows),
                        static_cast<std::int64_t>(columns), nullptr);
    ggml_get_type_traits(of.type)->to_float(bytes.data(), values.data(), static_cast<std::int64_t>(values.size()));
    matrix = {of.format, bytes.data(), rows, columns, row_bytes};
  }

  std::size_t rows;
  std::size_t columns;
  std::vector<float> values;
  std::vector<std::byte> bytes;
  BlockMatrix matrix;
};

std::vector<float> some_vectors(std::size_t count) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> values(count);
  for (float& value : values)
    value = normal(random);
  return values;
}

/// Vector after vector.
std::vector<float> multiply(const Weights& weights, std::span<const float> x, std::size_t step = 1U << 20U) {
  const std::size_t vectors = x.size() / weights.columns;
  const AlignedBytes memory(QuantizedVectors::bytes(vectors, weights.columns));
  const AlignedBytes scratch(product_scratch_bytes(weights.columns));
  QuantizedVectors quantized(memory.get(), vectors, weights.columns);
  quantized.quantize(weights.matrix.format, x.data(), weights.columns, 0, vectors);
  std::vector<float> out(vectors * weights.rows, NAN);
  for (std::size_t row = 0; row < weights.rows; row += step) {
    multiply_blocks(weights.matrix, quantized, row, std::min(row + step, weights.rows), out.data(), weights.rows,
                    scratch.get());
  }
  return out;
}

class BlockProduct : public testing::TestWithParam<Format> {
 protected:
  void SetUp() override {
    if (!has_block_products()) GTEST_SKIP() << "this processor has no AVX-512 VNNI";
  }
};

TEST_P(BlockProduct, IsTheProductButForTheRoundingOfTheVectors) {
  const Weights weights(GetParam(), 200, 512, 1);
  for (const std::size_t vectors : {1U, 3U, 8U, 9U, 21U}) {
    const std::vector<float> x = some_vectors(vectors * weights.columns);
    const std::vector<float> out = multiply(weights, x);
    double wrong = 0;
    double all = 0;
    for (std::size_t v = 0; v < vectors; ++v) {
      for (std::size_t row = 0; row < weights.rows; ++row) {
        double sum = 0;
        for (std::size_t i = 0; i < weights.columns; ++i)
          sum += static_cast<double>(weights.values[row * weights.columns + i]) *
                 static_cast<double>(x[v * weights.columns + i]);
        wrong += std::pow(sum - static_cast<double>(out[v * weights.rows + row]), 2);
        all += sum * sum;
      }
    }
    // 8 bits of the loudest of 32 normal values: a step of 1/50 of their deviation, rounded.
    EXPECT_LT(std::sqrt(wrong / all), 0.007) << vectors;
  }
}

TEST_P(BlockProduct, WholeNumbersAreExact) {
  // One vector that 8 bits hold exactly, and weights as they are in the file.
  const Weights weights(GetParam(), 48, 256, 2);
  std::vector<float> x(weights.columns);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(static_cast<int>(i * 37 % 255) - 127);
  for (std::size_t i = 0; i < x.size(); i += 32)
    x[i] = 127;
  const std::vector<float> out = multiply(weights, x);
  for (std::size_t row = 0; row < weights.rows; ++row) {
    double sum = 0;
    for (std::size_t i = 0; i < weights.columns; ++i)
      sum += static_cast<double>(weights.values[row * weights.columns + i]) * static_cast<double>(x[i]);
    EXPECT_NEAR(static_cast<double>(out[row]), sum, 0.002) << row;
  }
}

TEST_P(BlockProduct, OneVectorGivesTheBitsThatItGivesAmongOthers) {
  const Weights weights(GetParam(), 64, 512, 3);
  const std::vector<float> x = some_vectors(19 * weights.columns);
  const std::vector<float> together = multiply(weights, x);
  for (std::size_t v = 0; v < 19; ++v) {
    const std::vector<float> alone =
        multiply(weights, std::span<const float>(x).subspan(v * weights.columns, weights.columns));
    for (std::size_t row = 0; row < weights.rows; ++row)
      ASSERT_EQ(alone[row], together[v * weights.rows + row]) << v << ' ' << row;
  }
}

TEST_P(BlockProduct, RowsThatAreNoMultipleAndPartsOfThem) {
  const Weights weights(GetParam(), 61, 256, 4);
  const std::vector<float> x = some_vectors(2 * weights.columns);
  const std::vector<float> whole = multiply(weights, x);
  EXPECT_EQ(multiply(weights, x, 16), whole);
  EXPECT_EQ(multiply(weights, x, 32), whole);
  for (const float value : whole)
    EXPECT_TRUE(std::isfinite(value)) << "a row was left out";
}

TEST_P(BlockProduct, SilenceIsZero) {
  const Weights weights(GetParam(), 32, 256, 6);
  for (const float value : multiply(weights, std::vector<float>(weights.columns, 0.0F)))
    EXPECT_EQ(value, 0.0F);
}

INSTANTIATE_TEST_SUITE_P(Formats, BlockProduct,
                         testing::Values(Format{GGML_TYPE_Q5_0, BlockFormat::kQ5_0},
                                         Format{GGML_TYPE_Q8_0, BlockFormat::kQ8_0},
                                         Format{GGML_TYPE_Q6_K, BlockFormat::kQ6_K}),
                         [](const auto& format) { return std::string(ggml_type_name(format.param.type)); });

}  // namespace
}  // namespace morgan::engines
