#include "engines/onnx/snake.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define MORGAN_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))
#endif

namespace morgan::engines::onnx {

#if defined(__x86_64__)

namespace {

constexpr std::size_t kFloats = 16;

MORGAN_AVX512 __mmask16 mask_of(std::size_t left) {
  return left >= kFloats ? __mmask16{0xFFFF} : static_cast<__mmask16>((1U << left) - 1U);
}

/// The square of the sine, for which it does not matter in which half wave x is. Pi comes in three parts, the first two
/// with so few bits that their products are exact (Cody and Waite 1980); the polynomial of degree 9 was fitted to
/// (sin(r) - r) / r^3 on [0, pi / 2] and is off by 1.1e-7 at most.
MORGAN_AVX512 __m512 sine_squared(__m512 x) {
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(0.318309886F)),
                                        _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(3.140625F), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.0009675025939941406F), r);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(1.509958e-07F), r);
  const __m512 z = _mm512_mul_ps(r, r);
  __m512 p = _mm512_set1_ps(2.6006123e-06F);
  p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(-0.00019806901F));
  p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(0.0083330219F));
  p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(-0.16666657F));
  const __m512 sine = _mm512_fmadd_ps(_mm512_mul_ps(r, z), p, r);
  return _mm512_mul_ps(sine, sine);
}

}  // namespace

MORGAN_AVX512 void snake(const float* x, float frequency, float factor, std::size_t size, float* out) {
  const __m512 a = _mm512_set1_ps(frequency);
  const __m512 f = _mm512_set1_ps(factor);
  for (std::size_t i = 0; i < size; i += kFloats) {
    const __mmask16 mask = mask_of(size - i);
    const __m512 value = _mm512_maskz_loadu_ps(mask, x + i);
    _mm512_mask_storeu_ps(out + i, mask, _mm512_fmadd_ps(f, sine_squared(_mm512_mul_ps(a, value)), value));
  }
}

#else

void snake(const float* /*x*/, float /*frequency*/, float /*factor*/, std::size_t /*size*/, float* /*out*/) {}

#endif

}  // namespace morgan::engines::onnx
