// A one-dimensional convolution of 8 bit values, as quantized models have them, by the processor's 8 bit products
// (AVX-512 VNNI). The sums are exact, so it says to the bit what ONNX Runtime's ConvInteger says, five times as fast:
// that one lays out each window anew and multiplies a matrix. oneDNN's convolution makes code for each length of the
// input, and no two sentences have the same. Private to onnx/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace morgan::engines::onnx {

/// Runs task(0), ..., task(count - 1) on some threads and returns when all have.
using ParallelFor = std::function<void(std::size_t count, const std::function<void(std::size_t)>& task)>;

struct ConvShape {
  std::size_t in_channels = 0;
  std::size_t in_length = 0;
  std::size_t out_channels = 0;
  std::size_t taps = 0;
  std::size_t dilation = 1;
  std::size_t pad_begin = 0;
  std::size_t pad_end = 0;

  std::size_t padded_length() const { return in_length + pad_begin + pad_end; }
  std::size_t reach() const { return (taps - 1) * dilation; }
  /// 0 when the window is longer than what it slides over
  std::size_t out_length() const { return padded_length() > reach() ? padded_length() - reach() : 0; }
};

struct QuantizedConv {
  const std::uint8_t* x = nullptr;        ///< in_channels x in_length
  std::uint8_t x_zero = 0;                ///< what stands for 0, and for what is beyond either end
  const std::uint8_t* weights = nullptr;  ///< out_channels x in_channels x taps
  std::uint8_t weights_zero = 0;
  const std::int32_t* bias = nullptr;  ///< out_channels, or null
  float scale = 1;
};

/// The processor has the instructions. Without them convolve() must not be called.
bool can_convolve();

/// out[o][t] = scale * (bias[o] + sum over c, k of (x[c][t + k * dilation - pad_begin] - x_zero)
///                                                 * (weights[o][c][k] - weights_zero))
/// @param out  out_channels x out_length   @error std::bad_alloc
void convolve(const QuantizedConv& conv, const ConvShape& shape, float* out, const ParallelFor& parallel_for);

}  // namespace morgan::engines::onnx
