#include "engines/stt/int8_matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace morgan::engines {
namespace {

class Int8Matmul : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_fast_int8()) GTEST_SKIP() << "this processor has no AVX-512 VNNI";
  }

  std::vector<float> normal(std::size_t count, float deviation) {
    std::normal_distribution<float> values(0, deviation);
    std::vector<float> all(count);
    for (float& value : all)
      value = values(random_);
    return all;
  }

  /// Against the product in double precision: the root of the error's energy over the product's.
  static double error_of(const std::vector<float>& x, const std::vector<float>& w, const std::vector<float>& out,
                         std::size_t inputs) {
    const std::size_t rows = x.size() / inputs;
    const std::size_t outputs = w.size() / inputs;
    double wrong = 0;
    double all = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < outputs; ++j) {
        double sum = 0;
        for (std::size_t k = 0; k < inputs; ++k)
          sum += static_cast<double>(x[i * inputs + k]) * w[j * inputs + k];
        wrong += std::pow(sum - out[i * outputs + j], 2);
        all += sum * sum;
      }
    }
    return std::sqrt(wrong / all);
  }

  std::mt19937 random_{1};
};

TEST_F(Int8Matmul, IsWithinTheErrorOfEightBits) {
  struct Shape {
    std::size_t rows, inputs, outputs;
  };
  for (const Shape& shape : {Shape{278, 512, 96}, Shape{65, 2048, 512}, Shape{1, 33, 7}, Shape{401, 17, 50}}) {
    const std::vector<float> x = normal(shape.rows * shape.inputs, 3);
    const std::vector<float> w = normal(shape.outputs * shape.inputs, 0.05F);
    const Int8Matrix weights = quantize_int8(w, shape.outputs, shape.inputs);
    for (const int threads : {1, 2, 3}) {
      std::vector<float> out(shape.rows * shape.outputs, 1e9F);
      ASSERT_TRUE(multiply_int8(x, weights, out, threads));
      EXPECT_LT(error_of(x, w, out, shape.inputs), 0.02) << shape.rows << " rows, " << threads << " threads";
    }
  }
}

TEST_F(Int8Matmul, GivesEachRowItsOwnScale) {
  std::vector<float> x = normal(4 * 64, 1);
  for (std::size_t i = 0; i < 64; ++i)
    x[64 + i] *= 1e4F;  // beside a row that loud the others would be zero
  const std::vector<float> w = normal(32 * 64, 1);
  std::vector<float> out(4 * 32);
  ASSERT_TRUE(multiply_int8(x, quantize_int8(w, 32, 64), out, 1));
  for (const std::size_t row : {0, 1, 2, 3}) {
    const std::vector<float> one(x.begin() + static_cast<std::ptrdiff_t>(row * 64),
                                 x.begin() + static_cast<std::ptrdiff_t>(row * 64 + 64));
    const std::vector<float> product(out.begin() + static_cast<std::ptrdiff_t>(row * 32),
                                     out.begin() + static_cast<std::ptrdiff_t>(row * 32 + 32));
    EXPECT_LT(error_of(one, w, product, 64), 0.02) << row;
  }
}

TEST_F(Int8Matmul, DoesNotSaturateAtTheExtremes) {
  const std::vector<float> x(3 * 2048, -5.0F);
  const std::vector<float> w(16 * 2048, 7.0F);
  std::vector<float> out(3 * 16);
  ASSERT_TRUE(multiply_int8(x, quantize_int8(w, 16, 2048), out, 2));
  for (const float value : out)
    EXPECT_NEAR(value, -5.0 * 7.0 * 2048, 1.0);
}

TEST_F(Int8Matmul, OfSilenceIsSilence) {
  const std::vector<float> x(70 * 64, 0.0F);
  std::vector<float> out(70 * 32, 1.0F);
  ASSERT_TRUE(multiply_int8(x, quantize_int8(normal(32 * 64, 1), 32, 64), out, 2));
  EXPECT_EQ(out, std::vector<float>(70 * 32, 0.0F));
}

}  // namespace
}  // namespace morgan::engines
