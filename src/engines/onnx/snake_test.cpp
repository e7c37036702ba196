#include "engines/onnx/snake.h"

#include "engines/onnx/quantized_conv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace morgan::engines::onnx {
namespace {

TEST(Snake, IsTheFormula) {
  if (!can_convolve()) GTEST_SKIP() << "this processor has no AVX-512 VNNI";
  std::vector<float> x;
  for (int i = -4'000; i <= 4'000; ++i)
    x.push_back(static_cast<float>(i) * 0.0137F);
  for (const float frequency : {0.1F, 1.0F, 17.0F}) {
    std::vector<float> out(x.size());
    snake(x.data(), frequency, 0.7F, x.size(), out.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double sine = std::sin(static_cast<double>(frequency * x[i]));
      ASSERT_NEAR(out[i], x[i] + 0.7 * sine * sine, 1e-6 + 1e-7 * std::abs(x[i])) << frequency << " " << x[i];
    }
  }
}

}  // namespace
}  // namespace morgan::engines::onnx
