#include "engines/stt/int8_matmul.h"

#include <omp.h>
#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <new>

#if defined(__x86_64__)
#include <immintrin.h>
#define MORGAN_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))
#endif

namespace morgan::engines {

namespace {

constexpr float kMost = 127.0F;
/// Rows that a thread multiplies at a time: its sums stay in the second-level cache.
constexpr std::size_t kBlockRows = 192;

float scale_of(float loudest) {
  return loudest > 0 ? loudest / kMost : 1.0F;
}

#if defined(__x86_64__)

MORGAN_AVX512 __mmask16 tail_mask(std::size_t count) {
  return count >= 16 ? __mmask16{0xFFFF} : static_cast<__mmask16>((1U << count) - 1U);
}

/// @return the scale
MORGAN_AVX512 float quantize_row(const float* row, std::size_t columns, std::int8_t* out) {
  __m512 loudest = _mm512_setzero_ps();
  for (std::size_t i = 0; i < columns; i += 16)
    loudest = _mm512_max_ps(loudest, _mm512_abs_ps(_mm512_maskz_loadu_ps(tail_mask(columns - i), row + i)));
  const float scale = scale_of(_mm512_reduce_max_ps(loudest));
  const __m512 inverse = _mm512_set1_ps(1.0F / scale);
  for (std::size_t i = 0; i < columns; i += 16) {
    const __mmask16 mask = tail_mask(columns - i);
    const __m512i rounded = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_maskz_loadu_ps(mask, row + i), inverse));
    _mm512_mask_cvtsepi32_storeu_epi8(out + i, mask, rounded);
  }
  return scale;
}

MORGAN_AVX512 void scale_row(const std::int32_t* sums, const float* scales, float row_scale, std::size_t columns,
                             float* out) {
  const __m512 factor = _mm512_set1_ps(row_scale);
  for (std::size_t i = 0; i < columns; i += 16) {
    const __mmask16 mask = tail_mask(columns - i);
    const __m512 sum = _mm512_cvtepi32_ps(_mm512_maskz_loadu_epi32(mask, sums + i));
    const __m512 scale = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, scales + i), factor);
    _mm512_mask_storeu_ps(out + i, mask, _mm512_mul_ps(sum, scale));
  }
}

#else

float quantize_row(const float* row, std::size_t columns, std::int8_t* out) {
  float loudest = 0;
  for (std::size_t i = 0; i < columns; ++i)
    loudest = std::max(loudest, std::abs(row[i]));
  const float scale = scale_of(loudest);
  for (std::size_t i = 0; i < columns; ++i)
    out[i] = static_cast<std::int8_t>(std::nearbyint(row[i] / scale));
  return scale;
}

void scale_row(const std::int32_t* sums, const float* scales, float row_scale, std::size_t columns, float* out) {
  for (std::size_t i = 0; i < columns; ++i)
    out[i] = static_cast<float>(sums[i]) * scales[i] * row_scale;
}

#endif

/// What a thread needs for a block; kept, for a model asks for the same sizes again and again.
struct Scratch {
  std::vector<std::int8_t> values;
  std::vector<float> scales;
  std::vector<std::int32_t> sums;
};

bool multiply_block(const float* x, std::size_t rows, const Int8Matrix& weights, float* out, Scratch& scratch) {
  const std::size_t inputs = weights.columns;
  const std::size_t outputs = weights.rows;
  scratch.values.resize(std::max(scratch.values.size(), rows * inputs));
  scratch.scales.resize(std::max(scratch.scales.size(), rows));
  scratch.sums.resize(std::max(scratch.sums.size(), rows * outputs));
  for (std::size_t i = 0; i < rows; ++i)
    scratch.scales[i] = quantize_row(x + i * inputs, inputs, scratch.values.data() + i * inputs);
  const auto m = static_cast<dnnl_dim_t>(rows);
  const auto n = static_cast<dnnl_dim_t>(outputs);
  const auto k = static_cast<dnnl_dim_t>(inputs);
  const std::int32_t no_offset = 0;
  const dnnl_status_t status = dnnl_gemm_s8s8s32('N', 'T', 'F', m, n, k, 1.0F, scratch.values.data(), k, 0,
                                                 weights.values.data(), k, 0, 0.0F, scratch.sums.data(), n, &no_offset);
  if (status != dnnl_success) return false;
  for (std::size_t i = 0; i < rows; ++i)
    scale_row(scratch.sums.data() + i * outputs, weights.scales.data(), scratch.scales[i], outputs, out + i * outputs);
  return true;
}

}  // namespace

bool has_fast_int8() {
#if defined(__x86_64__)
  static const bool kHas = __builtin_cpu_supports("avx512vnni") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                           __builtin_cpu_supports("avx512vl") != 0 &&
                           dnnl_get_effective_cpu_isa() >= dnnl_cpu_isa_avx512_core_vnni;
  return kHas;
#else
  return false;
#endif
}

Int8Matrix quantize_int8(std::span<const float> values, std::size_t rows, std::size_t columns) {
  Int8Matrix matrix{rows, columns, std::vector<std::int8_t>(rows * columns), std::vector<float>(rows)};
  for (std::size_t i = 0; i < rows; ++i)
    matrix.scales[i] = quantize_row(values.data() + i * columns, columns, matrix.values.data() + i * columns);
  return matrix;
}

bool multiply_int8(std::span<const float> x, const Int8Matrix& weights, std::span<float> out, int threads) {
  const std::size_t rows = x.size() / weights.columns;
  const auto team = static_cast<std::size_t>(std::max(1, threads));
  const std::size_t block = std::clamp((rows + team - 1) / team, std::size_t{1}, kBlockRows);
  const auto blocks = static_cast<std::ptrdiff_t>((rows + block - 1) / block);
  std::atomic<bool> failed = false;
#pragma omp parallel num_threads(threads)
  {
    thread_local Scratch scratch;
    omp_set_num_threads(1);  // for oneDNN, within this region: each thread multiplies its own blocks
#pragma omp for schedule(dynamic)
    for (std::ptrdiff_t i = 0; i < blocks; ++i) {
      const std::size_t begin = static_cast<std::size_t>(i) * block;
      try {
        if (multiply_block(x.data() + begin * weights.columns, std::min(block, rows - begin), weights,
                           out.data() + begin * weights.rows, scratch))
          continue;
      } catch (const std::bad_alloc&) {  // which must not leave the region
      }
      failed = true;
    }
  }
  return !failed;
}

}  // namespace morgan::engines
