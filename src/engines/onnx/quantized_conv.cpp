#include "engines/onnx/quantized_conv.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#define MORGAN_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#endif

namespace morgan::engines::onnx {

#if defined(__x86_64__)

namespace {

/// What the instruction sums up at once.
constexpr std::size_t kGroup = 4;
/// Sums that stay in registers: of so many output channels, at so many times 16 places.
constexpr std::size_t kRows = 8;
constexpr std::size_t kVectors = 3;
constexpr std::size_t kLanes = 16;
constexpr std::size_t kPlaces = kVectors * kLanes;
/// Places and rows of one task: its input stays in the first cache, its weights in the second.
constexpr std::size_t kTaskPlaces = 4 * kPlaces;
constexpr std::size_t kTaskRows = 4 * kRows;

constexpr std::size_t rounded_up(std::size_t value, std::size_t step) {
  return (value + step - 1) / step * step;
}

template <typename T>
using Buffer = std::unique_ptr<T[]>;

template <typename T>
Buffer<T> buffer_of(std::size_t size) {
  return std::make_unique_for_overwrite<T[]>(size);
}

class Convolution {
 public:
  Convolution(const QuantizedConv& conv, const ConvShape& shape, float* out)
      : conv_(conv),
        shape_(shape),
        out_(out),
        groups_((shape.in_channels + kGroup - 1) / kGroup),
        blocks_((shape.out_channels + kRows - 1) / kRows),
        // A tile may read beyond the last place; what it makes there is not written.
        row_(rounded_up(shape.padded_length(), kPlaces) + kPlaces),
        inputs_(buffer_of<std::uint8_t>(groups_ * row_ * kGroup)),
        weights_(buffer_of<std::int8_t>(blocks_ * block_bytes())),
        offsets_(buffer_of<std::int32_t>(blocks_ * kRows)),
        windows_(buffer_of<std::int32_t>(rounded_up(shape.out_length(), kPlaces))) {}

  void run(const ParallelFor& parallel_for) {
    parallel_for(groups_, [this](std::size_t group) { pack_input(group); });
    parallel_for(blocks_, [this](std::size_t block) { pack_weights(block); });
    const std::size_t length = shape_.out_length();
    const std::size_t across = (length + kTaskPlaces - 1) / kTaskPlaces;
    const std::size_t down = (blocks_ * kRows + kTaskRows - 1) / kTaskRows;
    parallel_for(across, [this](std::size_t task) { sum_windows(task * kTaskPlaces); });
    parallel_for(across * down, [&](std::size_t task) { multiply(task / down * kTaskPlaces, task % down * 4); });
  }

 private:
  std::size_t block_bytes() const { return shape_.taps * groups_ * kRows * kGroup; }

  /// Four channels beside each other at each place, the padding around them.
  MORGAN_VNNI void pack_input(std::size_t group) {
    std::uint8_t* out = inputs_.get() + group * row_ * kGroup;
    const std::size_t first = group * kGroup;
    const std::size_t count = std::min(kGroup, shape_.in_channels - first);
    std::array<std::uint8_t, kGroup> beyond{};
    std::fill_n(beyond.begin(), count, conv_.x_zero);
    std::uint32_t quad = 0;
    std::memcpy(&quad, beyond.data(), kGroup);
    const auto fill = [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i)
        std::memcpy(out + i * kGroup, &quad, kGroup);
    };
    fill(0, shape_.pad_begin);
    fill(shape_.pad_begin + shape_.in_length, row_);
    out += shape_.pad_begin * kGroup;
    std::size_t i = 0;
    if (count == kGroup) {
      const std::uint8_t* x = conv_.x + first * shape_.in_length;
      const std::size_t step = shape_.in_length;
      for (; i + kLanes <= step; i += kLanes) {
        const auto row = [&](std::size_t c) {
          return _mm_loadu_si128(reinterpret_cast<const __m128i*>(x + c * step + i));
        };
        const __m128i ab_low = _mm_unpacklo_epi8(row(0), row(1));
        const __m128i ab_high = _mm_unpackhi_epi8(row(0), row(1));
        const __m128i cd_low = _mm_unpacklo_epi8(row(2), row(3));
        const __m128i cd_high = _mm_unpackhi_epi8(row(2), row(3));
        auto* to = reinterpret_cast<__m128i*>(out + i * kGroup);
        _mm_storeu_si128(to, _mm_unpacklo_epi16(ab_low, cd_low));
        _mm_storeu_si128(to + 1, _mm_unpackhi_epi16(ab_low, cd_low));
        _mm_storeu_si128(to + 2, _mm_unpacklo_epi16(ab_high, cd_high));
        _mm_storeu_si128(to + 3, _mm_unpackhi_epi16(ab_high, cd_high));
      }
    }
    for (; i < shape_.in_length; ++i) {
      for (std::size_t c = 0; c < kGroup; ++c)
        out[i * kGroup + c] = c < count ? conv_.x[(first + c) * shape_.in_length + i] : std::uint8_t{0};
    }
  }

  /// Eight output channels in the order in which a tile reads them, less 128, which makes them signed.
  void pack_weights(std::size_t block) {
    std::int8_t* out = weights_.get() + block * block_bytes();
    std::memset(out, 0, block_bytes());
    const std::size_t tap_bytes = groups_ * kRows * kGroup;
    const std::int32_t zero = std::int32_t{conv_.weights_zero} - 128;
    const auto window = static_cast<std::int32_t>(shape_.in_channels * shape_.taps);
    for (std::size_t r = 0; r < kRows; ++r) {
      const std::size_t channel = block * kRows + r;
      offsets_[channel] = 0;
      if (channel >= shape_.out_channels) continue;
      const std::uint8_t* row = conv_.weights + channel * shape_.in_channels * shape_.taps;
      std::int32_t sum = 0;
      for (std::size_t c = 0; c < shape_.in_channels; ++c) {
        std::int8_t* to = out + (c / kGroup * kRows + r) * kGroup + c % kGroup;
        for (std::size_t k = 0; k < shape_.taps; ++k) {
          const std::int32_t value = std::int32_t{row[c * shape_.taps + k]} - 128;
          sum += value;
          to[k * tap_bytes] = static_cast<std::int8_t>(value);
        }
      }
      const std::int32_t x_zero = conv_.x_zero;
      offsets_[channel] = window * x_zero * zero - x_zero * sum + (conv_.bias != nullptr ? conv_.bias[channel] : 0);
    }
  }

  /// Of each place: the sum of all that the window covers, times the weights' zero.
  MORGAN_VNNI void sum_windows(std::size_t begin) {
    const std::size_t end = std::min(begin + kTaskPlaces, rounded_up(shape_.out_length(), kLanes));
    const __m512i ones = _mm512_set1_epi8(1);
    const __m512i zero = _mm512_set1_epi32(std::int32_t{conv_.weights_zero} - 128);
    for (std::size_t t = begin; t < end; t += kLanes) {
      __m512i sum = _mm512_setzero_si512();
      for (std::size_t k = 0; k < shape_.taps; ++k) {
        const std::uint8_t* x = inputs_.get() + (t + k * shape_.dilation) * kGroup;
        for (std::size_t g = 0; g < groups_; ++g)
          sum = _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(x + g * row_ * kGroup), ones);
      }
      _mm512_storeu_si512(windows_.get() + t, _mm512_mullo_epi32(sum, zero));
    }
  }

  MORGAN_VNNI void multiply(std::size_t begin, std::size_t block) {
    const std::size_t end = std::min(begin + kTaskPlaces, shape_.out_length());
    for (std::size_t b = block; b < std::min(block + kTaskRows / kRows, blocks_); ++b) {
      for (std::size_t t = begin; t < end; t += kPlaces)
        tile(t, b);
    }
  }

  MORGAN_VNNI void tile(std::size_t begin, std::size_t block) {
    __m512i sums[kRows][kVectors];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 3
      for (std::size_t v = 0; v < kVectors; ++v)
        sums[r][v] = _mm512_setzero_si512();
    }
    const std::int8_t* weights = weights_.get() + block * block_bytes();
    for (std::size_t k = 0; k < shape_.taps; ++k) {
      const std::uint8_t* x = inputs_.get() + (begin + k * shape_.dilation) * kGroup;
      for (std::size_t g = 0; g < groups_; ++g, x += row_ * kGroup, weights += kRows * kGroup) {
        const __m512i x0 = _mm512_loadu_si512(x);
        const __m512i x1 = _mm512_loadu_si512(x + 64);
        const __m512i x2 = _mm512_loadu_si512(x + 128);
#pragma GCC unroll 8
        for (std::size_t r = 0; r < kRows; ++r) {
          std::int32_t quad = 0;
          std::memcpy(&quad, weights + r * kGroup, kGroup);
          const __m512i w = _mm512_set1_epi32(quad);
          sums[r][0] = _mm512_dpbusd_epi32(sums[r][0], x0, w);
          sums[r][1] = _mm512_dpbusd_epi32(sums[r][1], x1, w);
          sums[r][2] = _mm512_dpbusd_epi32(sums[r][2], x2, w);
        }
      }
    }
    const __m512 scale = _mm512_set1_ps(conv_.scale);
    for (std::size_t v = 0; v < kVectors; ++v) {
      const std::size_t t = begin + v * kLanes;
      if (t >= shape_.out_length()) break;
      const std::size_t left = shape_.out_length() - t;
      const __mmask16 mask = left >= kLanes ? __mmask16{0xFFFF} : static_cast<__mmask16>((1U << left) - 1U);
      const __m512i window = _mm512_loadu_si512(windows_.get() + t);
#pragma GCC unroll 8
      for (std::size_t r = 0; r < kRows; ++r) {
        const std::size_t channel = block * kRows + r;
        if (channel >= shape_.out_channels) break;
        const __m512i offset = _mm512_set1_epi32(offsets_[channel]);
        const __m512i sum = _mm512_add_epi32(_mm512_sub_epi32(sums[r][v], window), offset);
        _mm512_mask_storeu_ps(out_ + channel * shape_.out_length() + t, mask,
                              _mm512_mul_ps(_mm512_cvtepi32_ps(sum), scale));
      }
    }
  }

  const QuantizedConv& conv_;
  const ConvShape& shape_;
  float* const out_;
  const std::size_t groups_;
  const std::size_t blocks_;
  const std::size_t row_;  // places of a packed input row
  const Buffer<std::uint8_t> inputs_;
  const Buffer<std::int8_t> weights_;
  const Buffer<std::int32_t> offsets_;
  const Buffer<std::int32_t> windows_;
};

}  // namespace

bool can_convolve() {
  static const bool kCan = __builtin_cpu_supports("avx512vnni") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                           __builtin_cpu_supports("avx512vl") != 0;
  return kCan;
}

void convolve(const QuantizedConv& conv, const ConvShape& shape, float* out, const ParallelFor& parallel_for) {
  if (shape.out_length() == 0) return;
  Convolution(conv, shape, out).run(parallel_for);
}

#else

bool can_convolve() {
  return false;
}

void convolve(const QuantizedConv& /*conv*/, const ConvShape& /*shape*/, float* /*out*/,
              const ParallelFor& /*parallel_for*/) {}

#endif

}  // namespace morgan::engines::onnx
