#include "engines/onnx/quantized_conv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <thread>
#include <vector>

namespace morgan::engines::onnx {
namespace {

/// As the header's formula has it.
std::vector<float> by_formula(const QuantizedConv& conv, const ConvShape& shape) {
  std::vector<float> out;
  for (std::size_t o = 0; o < shape.out_channels; ++o) {
    for (std::size_t t = 0; t < shape.out_length(); ++t) {
      std::int32_t sum = conv.bias != nullptr ? conv.bias[o] : 0;
      for (std::size_t c = 0; c < shape.in_channels; ++c) {
        for (std::size_t k = 0; k < shape.taps; ++k) {
          const std::size_t at = t + k * shape.dilation;
          if (at < shape.pad_begin || at >= shape.pad_begin + shape.in_length) continue;
          const int x = conv.x[c * shape.in_length + at - shape.pad_begin];
          const int w = conv.weights[(o * shape.in_channels + c) * shape.taps + k];
          sum += (x - conv.x_zero) * (w - conv.weights_zero);
        }
      }
      out.push_back(static_cast<float>(sum) * conv.scale);
    }
  }
  return out;
}

void on_two_threads(std::size_t count, const std::function<void(std::size_t)>& task) {
  std::thread other([&] {
    for (std::size_t i = 1; i < count; i += 2)
      task(i);
  });
  for (std::size_t i = 0; i < count; i += 2)
    task(i);
  other.join();
}

class QuantizedConvTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!can_convolve()) GTEST_SKIP() << "this processor has no AVX-512 VNNI";
  }

  std::vector<std::uint8_t> bytes(std::size_t count) {
    std::vector<std::uint8_t> made(count);
    for (std::uint8_t& byte : made)
      byte = static_cast<std::uint8_t>(random_());
    return made;
  }

  void expect_exact(const ConvShape& shape, bool biased) {
    const auto x = bytes(shape.in_channels * shape.in_length);
    const auto weights = bytes(shape.out_channels * shape.in_channels * shape.taps);
    std::vector<std::int32_t> bias(shape.out_channels);
    for (std::int32_t& value : bias)
      value = static_cast<std::int32_t>(random_() % 20'000) - 10'000;
    QuantizedConv conv;
    conv.x = x.data();
    conv.weights = weights.data();
    conv.x_zero = static_cast<std::uint8_t>(random_());
    conv.weights_zero = static_cast<std::uint8_t>(random_());
    conv.bias = biased ? bias.data() : nullptr;
    conv.scale = 0.003F;
    std::vector<float> out(shape.out_channels * shape.out_length(), NAN);
    convolve(conv, shape, out.data(), on_two_threads);
    EXPECT_EQ(out, by_formula(conv, shape))
        << shape.in_channels << " x " << shape.in_length << " -> " << shape.out_channels << ", " << shape.taps
        << " taps, dilation " << shape.dilation << ", pads " << shape.pad_begin << " and " << shape.pad_end;
  }

  std::mt19937 random_{11};
};

TEST_F(QuantizedConvTest, SaysWhatTheFormulaSaysToTheBit) {
  expect_exact({128, 501, 128, 11, 5, 25, 25}, true);
  expect_exact({256, 90, 64, 3, 1, 1, 1}, true);
  expect_exact({1, 1, 1, 1, 1, 0, 0}, false);
  expect_exact({22, 300, 7, 1, 1, 0, 0}, true);
  expect_exact({5, 49, 9, 7, 3, 9, 9}, false);
  expect_exact({3, 2, 17, 3, 1, 1, 1}, true);
}

TEST_F(QuantizedConvTest, AnyShape) {
  for (int i = 0; i < 300; ++i) {
    ConvShape shape;
    shape.in_channels = 1 + random_() % 40;
    shape.in_length = 1 + random_() % 260;
    shape.out_channels = 1 + random_() % 40;
    shape.taps = 1 + random_() % 12;
    shape.dilation = 1 + random_() % 5;
    shape.pad_begin = random_() % 30;
    shape.pad_end = random_() % 30;
    expect_exact(shape, i % 2 == 0);
  }
}

TEST_F(QuantizedConvTest, AWindowLongerThanTheInputMakesNothing) {
  const ConvShape shape{4, 3, 4, 5, 1, 0, 0};
  EXPECT_EQ(shape.out_length(), 0U);
  expect_exact(shape, false);
}

TEST_F(QuantizedConvTest, TheLoudestSumsDoNotOverflowOnTheWay) {
  const ConvShape shape{1'090, 60, 8, 11, 1, 5, 5};
  const std::vector<std::uint8_t> x(shape.in_channels * shape.in_length, 255);
  const std::vector<std::uint8_t> weights(shape.out_channels * shape.in_channels * shape.taps, 255);
  QuantizedConv conv;
  conv.x = x.data();
  conv.weights = weights.data();
  std::vector<float> out(shape.out_channels * shape.out_length());
  convolve(conv, shape, out.data(), on_two_threads);
  EXPECT_EQ(out, by_formula(conv, shape));
}

}  // namespace
}  // namespace morgan::engines::onnx
