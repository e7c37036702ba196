// Matrix products in 8 bits, as int8 models compute them: each row of the weights has a scale, each row of the input
// gets one when it is multiplied, and the products are summed in 32 bits (Jacob et al. 2018, arXiv:1712.05877, without
// zero points). oneDNN's kernels do it seven times as fast as ggml its 8 bit blocks (docs/latency.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace morgan::engines {

/// Rows of 8 bit values; row i stands for values * scales[i].
struct Int8Matrix {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<std::int8_t> values;  // row after row
  std::vector<float> scales;
};

/// The processor has the instructions (AVX-512 VNNI). Without them the functions below must not be called: oneDNN's
/// sums would saturate at 16 bits.
bool has_fast_int8();

/// @param values  rows x columns, row after row; finite
Int8Matrix quantize_int8(std::span<const float> values, std::size_t rows, std::size_t columns);

/// out[i][j] = sum over k of x[i][k] * weights[j][k].
/// @param x  finite; of weights.columns each row
/// @param out  as many rows as x, of weights.rows each
/// @param threads  of OpenMP's team of the calling thread
/// @return false: there was no memory for it, and `out` is worth nothing
/// @thread one call at a time from one thread; others may call beside it
bool multiply_int8(std::span<const float> x, const Int8Matrix& weights, std::span<float> out, int threads);

}  // namespace morgan::engines
