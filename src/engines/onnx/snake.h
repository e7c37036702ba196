// The Snake activation (Liu et al. 2020, arXiv:2006.08195) with AVX-512. Private to onnx/; called only where
// can_convolve() (quantized_conv.h).
#pragma once

#include <cstddef>

namespace morgan::engines::onnx {

/// out[i] = x[i] + factor * sin(frequency * x[i])^2; `out` may be `x`.
/// The sine is off by at most 4e-7 where |frequency * x| is below 1,000.
void snake(const float* x, float frequency, float factor, std::size_t size, float* out);

}  // namespace morgan::engines::onnx
