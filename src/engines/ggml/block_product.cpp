#include "engines/ggml/block_product.h"

#include <algorithm>
#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#define MORGAN_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,f16c,fma")))
#define MORGAN_VNNI_INLINE \
  inline __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,f16c,fma"), always_inline))
#endif

namespace morgan::engines {

namespace {

constexpr std::size_t kGroup = QuantizedVectors::kGroup;
/// Dwords of four weights in a group: one register each, with a row in each lane.
constexpr std::size_t kDwords = kGroup / 4;
constexpr std::size_t kLine = 64;
/// Sums kept in registers beside eight of weights.
constexpr std::size_t kVectorsAtOnce = 8;

constexpr std::size_t round_up(std::size_t bytes) {
  return (bytes + kLine - 1) / kLine * kLine;
}

struct Q5Block {
  std::uint16_t scale;
  std::array<std::uint8_t, 4> fifth_bits;
  std::array<std::uint8_t, 16> nibbles;  // of the first 16 weights below, of the others above
};

struct Q8Block {
  std::uint16_t scale;
  std::array<std::int8_t, 32> weights;
};

/// Two halves of 128 weights; in each, four groups of 32.
struct Q6Block {
  std::array<std::uint8_t, 128> nibbles;
  std::array<std::uint8_t, 64> high_bits;
  std::array<std::int8_t, 16> scales;  // of 16 weights each
  std::uint16_t scale;
};

static_assert(sizeof(Q5Block) == 22 && sizeof(Q8Block) == 34 && sizeof(Q6Block) == 210);

/// Weights are multiplied as if they were so much larger, for the instruction wants them without a sign.
std::int32_t zero_of(BlockFormat format) {
  switch (format) {
    case BlockFormat::kQ5_0:
      return 16;
    case BlockFormat::kQ8_0:
      return 128;
    case BlockFormat::kQ6_K:
      return 32;
  }
  return 0;
}

}  // namespace

std::size_t block_length(BlockFormat format) {
  return format == BlockFormat::kQ6_K ? 256 : 32;
}

std::size_t block_bytes(BlockFormat format) {
  switch (format) {
    case BlockFormat::kQ5_0:
      return sizeof(Q5Block);
    case BlockFormat::kQ8_0:
      return sizeof(Q8Block);
    case BlockFormat::kQ6_K:
      return sizeof(Q6Block);
  }
  return 0;
}

std::size_t QuantizedVectors::bytes(std::size_t vectors, std::size_t columns) {
  const std::size_t groups = columns / kGroup;
  return round_up(vectors * columns) + round_up(groups * vectors * sizeof(float)) +
         round_up(groups * vectors * 2 * sizeof(std::int32_t));
}

QuantizedVectors::QuantizedVectors(std::span<std::byte> memory, std::size_t vectors, std::size_t columns)
    : vectors_(vectors), columns_(columns) {
  std::byte* at = memory.data();
  values_ = reinterpret_cast<std::int32_t*>(at);
  at += round_up(vectors * columns);
  scales_ = reinterpret_cast<float*>(at);
  at += round_up(columns / kGroup * vectors * sizeof(float));
  corrections_ = reinterpret_cast<std::int32_t*>(at);
}

#if defined(__x86_64__)

bool has_block_products() {
  static const bool kHas = __builtin_cpu_supports("avx512vnni") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                           __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0;
  return kHas;
}

MORGAN_VNNI void QuantizedVectors::quantize(BlockFormat format, const float* x, std::size_t stride, std::size_t from,
                                            std::size_t to) {
  constexpr float kMost = 127.0F;
  const std::int32_t zero = zero_of(format);
  for (std::size_t v = from; v < to; ++v) {
    for (std::size_t group = 0; group < columns_ / kGroup; ++group) {
      const float* values = x + v * stride + group * kGroup;
      const __m512 low = _mm512_loadu_ps(values);
      const __m512 high = _mm512_loadu_ps(values + kGroup / 2);
      const float most = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(low), _mm512_abs_ps(high)));
      const __m512 factor = _mm512_set1_ps(most > 0 ? kMost / most : 0.0F);
      const __m512i low_rounded = _mm512_cvtps_epi32(_mm512_mul_ps(low, factor));
      const __m512i high_rounded = _mm512_cvtps_epi32(_mm512_mul_ps(high, factor));
      auto* out = reinterpret_cast<__m128i*>(values_ + (group * vectors_ + v) * kDwords);
      _mm_storeu_si128(out, _mm512_cvtsepi32_epi8(low_rounded));
      _mm_storeu_si128(out + 1, _mm512_cvtsepi32_epi8(high_rounded));
      scales_[group * vectors_ + v] = most / kMost;
      corrections_[group * 2 * vectors_ + v] = -zero * _mm512_reduce_add_epi32(low_rounded);
      corrections_[(group * 2 + 1) * vectors_ + v] = -zero * _mm512_reduce_add_epi32(high_rounded);
    }
  }
}

namespace {

/// A group of 32 columns of 16 rows: register i holds the columns 4i to 4i + 3, a row in each lane.
struct Tile {
  __m512i weights[kDwords];
  __m512 scales[2];  // of the first and of the second 16 columns
};

/// In: register i has the 32 weights of row i below, those of row i + 8 above.
MORGAN_VNNI_INLINE void transpose(const __m512i* rows, __m512i* out) {
  __m512i pairs[kDwords];
  for (std::size_t i = 0; i < 4; ++i) {
    pairs[2 * i] = _mm512_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
    pairs[2 * i + 1] = _mm512_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
  }
  // Four rows in 128 bits: fours[j] has the dwords j and j + 4 of rows 0 to 3 and 8 to 11, fours[4 + j] of the others.
  __m512i fours[kDwords];
  for (std::size_t i = 0; i < 2; ++i) {
    fours[4 * i] = _mm512_unpacklo_epi64(pairs[4 * i], pairs[4 * i + 2]);
    fours[4 * i + 1] = _mm512_unpackhi_epi64(pairs[4 * i], pairs[4 * i + 2]);
    fours[4 * i + 2] = _mm512_unpacklo_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
    fours[4 * i + 3] = _mm512_unpackhi_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
  }
  const __m512i low = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0);
  const __m512i high = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
  for (std::size_t j = 0; j < 4; ++j) {
    out[j] = _mm512_permutex2var_epi64(fours[j], low, fours[4 + j]);
    out[4 + j] = _mm512_permutex2var_epi64(fours[j], high, fours[4 + j]);
  }
}

MORGAN_VNNI_INLINE __m512i two_halves(const void* below, const void* above) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256(static_cast<const __m256i*>(below))),
                            _mm256_loadu_si256(static_cast<const __m256i*>(above)), 1);
}

template <typename Block>
MORGAN_VNNI_INLINE __m512 read_scales(const std::byte* first_row, std::size_t row_bytes) {
  std::array<std::uint16_t, kRowsAtOnce> halves;
  for (std::size_t i = 0; i < kRowsAtOnce; ++i)
    halves[i] = reinterpret_cast<const Block*>(first_row + i * row_bytes)->scale;
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves.data())));
}

struct Q5 {
  using Block = Q5Block;
  static constexpr std::size_t kGroups = 1;  // in a block
  static constexpr bool kOneScale = true;

  MORGAN_VNNI_INLINE static void unpack(const std::byte* first_row, std::size_t row_bytes, std::size_t /*group*/,
                                        Tile& tile) {
    const __m512i shifts =
        _mm512_set_epi64(0x0004000400040004, 0x0004000400040004, 0, 0, 0x0004000400040004, 0x0004000400040004, 0, 0);
    __m512i rows[kDwords];
    for (std::size_t i = 0; i < kDwords; ++i) {
      const auto& below = *reinterpret_cast<const Block*>(first_row + i * row_bytes);
      const auto& above = *reinterpret_cast<const Block*>(first_row + (i + kDwords) * row_bytes);
      __m512i nibbles = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(below.nibbles.data())));
      nibbles = _mm512_mask_broadcast_i32x4(nibbles, 0xFF00,
                                            _mm_loadu_si128(reinterpret_cast<const __m128i*>(above.nibbles.data())));
      nibbles = _mm512_and_si512(_mm512_srlv_epi16(nibbles, shifts), _mm512_set1_epi8(0x0F));
      std::uint32_t bits_below = 0;
      std::uint32_t bits_above = 0;
      std::memcpy(&bits_below, below.fifth_bits.data(), sizeof bits_below);
      std::memcpy(&bits_above, above.fifth_bits.data(), sizeof bits_above);
      const __mmask64 fifth = bits_below | (static_cast<std::uint64_t>(bits_above) << 32U);
      rows[i] = _mm512_mask_add_epi8(nibbles, fifth, nibbles, _mm512_set1_epi8(16));
    }
    transpose(rows, tile.weights);
    tile.scales[0] = read_scales<Block>(first_row, row_bytes);
  }
};

struct Q8 {
  using Block = Q8Block;
  static constexpr std::size_t kGroups = 1;
  static constexpr bool kOneScale = true;

  MORGAN_VNNI_INLINE static void unpack(const std::byte* first_row, std::size_t row_bytes, std::size_t /*group*/,
                                        Tile& tile) {
    __m512i rows[kDwords];
    for (std::size_t i = 0; i < kDwords; ++i) {
      const auto& below = *reinterpret_cast<const Block*>(first_row + i * row_bytes);
      const auto& above = *reinterpret_cast<const Block*>(first_row + (i + kDwords) * row_bytes);
      rows[i] = _mm512_xor_si512(two_halves(below.weights.data(), above.weights.data()),
                                 _mm512_set1_epi8(static_cast<char>(0x80)));
    }
    transpose(rows, tile.weights);
    tile.scales[0] = read_scales<Block>(first_row, row_bytes);
  }
};

struct Q6 {
  using Block = Q6Block;
  static constexpr std::size_t kGroups = 8;
  static constexpr bool kOneScale = false;

  MORGAN_VNNI_INLINE static void unpack(const std::byte* first_row, std::size_t row_bytes, std::size_t group,
                                        Tile& tile) {
    const std::size_t half = group / 4;
    const std::size_t within = group % 4;
    const std::size_t nibbles_at = half * 64 + within % 2 * kGroup;
    const __m128i nibble_shift = _mm_cvtsi32_si128(within < 2 ? 0 : 4);
    const __m128i high_shift = _mm_cvtsi32_si128(static_cast<int>(within * 2));
    __m512i rows[kDwords];
    std::array<std::uint16_t, kRowsAtOnce> scale_pairs;
    for (std::size_t i = 0; i < kDwords; ++i) {
      const auto& below = *reinterpret_cast<const Block*>(first_row + i * row_bytes);
      const auto& above = *reinterpret_cast<const Block*>(first_row + (i + kDwords) * row_bytes);
      const __m512i nibbles =
          _mm512_srl_epi16(two_halves(&below.nibbles[nibbles_at], &above.nibbles[nibbles_at]), nibble_shift);
      const __m512i high =
          _mm512_srl_epi16(two_halves(&below.high_bits[half * kGroup], &above.high_bits[half * kGroup]), high_shift);
      const __m512i top = _mm512_slli_epi16(_mm512_and_si512(high, _mm512_set1_epi8(3)), 4);
      rows[i] = _mm512_or_si512(_mm512_and_si512(nibbles, _mm512_set1_epi8(0x0F)), top);
      std::memcpy(&scale_pairs[i], &below.scales[group * 2], 2);
      std::memcpy(&scale_pairs[i + kDwords], &above.scales[group * 2], 2);
    }
    transpose(rows, tile.weights);
    const __m512 scale = read_scales<Block>(first_row, row_bytes);
    const __m512i pairs =
        _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(scale_pairs.data())));
    const __m512i first = _mm512_srai_epi32(_mm512_slli_epi32(pairs, 24), 24);
    const __m512i second = _mm512_srai_epi32(_mm512_slli_epi32(pairs, 16), 24);
    tile.scales[0] = _mm512_mul_ps(scale, _mm512_cvtepi32_ps(first));
    tile.scales[1] = _mm512_mul_ps(scale, _mm512_cvtepi32_ps(second));
  }
};

/// Adds a group of columns to the sums of Count vectors.
template <typename Format, std::size_t Count>
MORGAN_VNNI_INLINE void add_group(const Tile& tile, const QuantizedVectors& x, std::size_t group, std::size_t vector,
                                  __m512* sums) {
  const std::int32_t* values = x.values(group) + vector * kDwords;
  const float* scales = x.scales(group) + vector;
  const std::int32_t* first = x.corrections(group, 0) + vector;
  const std::int32_t* second = x.corrections(group, 1) + vector;
  for (std::size_t v = 0; v < Count; ++v) {
    const std::int32_t* dwords = values + v * kDwords;
    __m512i low = _mm512_set1_epi32(first[v]);
    __m512i high = _mm512_set1_epi32(second[v]);
    for (std::size_t i = 0; i < kDwords / 2; ++i) {
      low = _mm512_dpbusd_epi32(low, tile.weights[i], _mm512_set1_epi32(dwords[i]));
      high = _mm512_dpbusd_epi32(high, tile.weights[kDwords / 2 + i], _mm512_set1_epi32(dwords[kDwords / 2 + i]));
    }
    const __m512 scale = _mm512_set1_ps(scales[v]);
    if constexpr (Format::kOneScale) {
      const __m512 sum = _mm512_cvtepi32_ps(_mm512_add_epi32(low, high));
      sums[v] = _mm512_fmadd_ps(sum, _mm512_mul_ps(tile.scales[0], scale), sums[v]);
    } else {
      sums[v] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(low), _mm512_mul_ps(tile.scales[0], scale), sums[v]);
      sums[v] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(high), _mm512_mul_ps(tile.scales[1], scale), sums[v]);
    }
  }
}

struct Output {
  float* at;  // of the first row that is multiplied
  std::size_t stride;
  __mmask16 rows;
};

/// The rows behind these are read next; the processor itself does not see that far.
template <typename Format>
MORGAN_VNNI_INLINE void prefetch_next(const std::byte* first_row, std::size_t row_bytes, std::size_t bytes) {
  for (std::size_t i = 0; i < kRowsAtOnce; ++i)
    _mm_prefetch(reinterpret_cast<const char*>(first_row + (kRowsAtOnce + i) * row_bytes + bytes), _MM_HINT_T0);
}

/// Of which bytes of a row a block is the first to touch the cache line.
template <typename Format>
MORGAN_VNNI_INLINE bool begins_line(std::size_t block) {
  return block * sizeof(typename Format::Block) % kLine < sizeof(typename Format::Block);
}

/// For few vectors: each tile is multiplied as soon as it is unpacked.
template <typename Format, std::size_t Count>
MORGAN_VNNI void multiply_few(const std::byte* rows, std::size_t row_bytes, const QuantizedVectors& x,
                              const Output& out) {
  __m512 sums[Count];
  for (__m512& sum : sums)
    sum = _mm512_setzero_ps();
  const std::size_t blocks = x.columns() / (kGroup * Format::kGroups);
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::size_t at = block * sizeof(typename Format::Block);
    for (std::size_t line = 0; line < sizeof(typename Format::Block); line += kLine)
      if (line > 0 || begins_line<Format>(block)) prefetch_next<Format>(rows, row_bytes, at + line);
    for (std::size_t group = 0; group < Format::kGroups; ++group) {
      Tile tile;
      Format::unpack(rows + at, row_bytes, group, tile);
      add_group<Format, Count>(tile, x, block * Format::kGroups + group, 0, sums);
    }
  }
  for (std::size_t v = 0; v < Count; ++v)
    _mm512_mask_storeu_ps(out.at + v * out.stride, out.rows, sums[v]);
}

template <typename Format, std::size_t Count>
MORGAN_VNNI void multiply_tiles(const Tile* tiles, const QuantizedVectors& x, std::size_t vector, const Output& out) {
  __m512 sums[Count];
  for (__m512& sum : sums)
    sum = _mm512_setzero_ps();
  for (std::size_t group = 0; group < x.columns() / kGroup; ++group)
    add_group<Format, Count>(tiles[group], x, group, vector, sums);
  for (std::size_t v = 0; v < Count; ++v)
    _mm512_mask_storeu_ps(out.at + (vector + v) * out.stride, out.rows, sums[v]);
}

template <typename Format>
MORGAN_VNNI void unpack_rows(const std::byte* rows, std::size_t row_bytes, std::size_t columns, Tile* tiles) {
  for (std::size_t block = 0; block < columns / (kGroup * Format::kGroups); ++block) {
    const std::size_t at = block * sizeof(typename Format::Block);
    for (std::size_t line = 0; line < sizeof(typename Format::Block); line += kLine)
      if (line > 0 || begins_line<Format>(block)) prefetch_next<Format>(rows, row_bytes, at + line);
    for (std::size_t group = 0; group < Format::kGroups; ++group)
      Format::unpack(rows + at, row_bytes, group, tiles[block * Format::kGroups + group]);
  }
}

/// Calls `with` with `count`, 1 to kVectorsAtOnce, as a constant.
template <typename With, std::size_t... Less>
void with_count(std::size_t count, const With& with, std::index_sequence<Less...> /*counts*/) {
  ((count == Less + 1 ? with(std::integral_constant<std::size_t, Less + 1>()) : void()), ...);
}

template <typename Format>
void multiply(const BlockMatrix& weights, const QuantizedVectors& x, std::size_t first, std::size_t end, float* out,
              std::size_t stride, std::span<std::byte> scratch) {
  constexpr std::make_index_sequence<kVectorsAtOnce> kCounts;
  auto* tiles = reinterpret_cast<Tile*>(scratch.data());
  for (std::size_t row = first; row < end; row += kRowsAtOnce) {
    // The last rows are multiplied with some of those before, which are not stored again.
    const std::size_t from = std::min(row, weights.rows - kRowsAtOnce);
    const std::byte* rows = weights.blocks + from * weights.row_bytes;
    const Output output{out + from, stride, static_cast<__mmask16>(0xFFFFU << (row - from))};
    if (x.vectors() <= kVectorsAtOnce) {
      with_count(
          x.vectors(), [&](auto count) { multiply_few<Format, count>(rows, weights.row_bytes, x, output); }, kCounts);
      continue;
    }
    unpack_rows<Format>(rows, weights.row_bytes, weights.columns, tiles);
    for (std::size_t vector = 0; vector < x.vectors(); vector += kVectorsAtOnce) {
      with_count(
          std::min(kVectorsAtOnce, x.vectors() - vector),
          [&](auto count) { multiply_tiles<Format, count>(tiles, x, vector, output); }, kCounts);
    }
  }
}

}  // namespace

std::size_t product_scratch_bytes(std::size_t columns) {
  return columns / kGroup * sizeof(Tile);
}

void multiply_blocks(const BlockMatrix& weights, const QuantizedVectors& x, std::size_t first, std::size_t end,
                     float* out, std::size_t stride, std::span<std::byte> scratch) {
  switch (weights.format) {
    case BlockFormat::kQ5_0:
      return multiply<Q5>(weights, x, first, end, out, stride, scratch);
    case BlockFormat::kQ8_0:
      return multiply<Q8>(weights, x, first, end, out, stride, scratch);
    case BlockFormat::kQ6_K:
      return multiply<Q6>(weights, x, first, end, out, stride, scratch);
  }
}

#else

bool has_block_products() {
  return false;
}

void QuantizedVectors::quantize(BlockFormat, const float*, std::size_t, std::size_t, std::size_t) {}

std::size_t product_scratch_bytes(std::size_t) {
  return 0;
}

void multiply_blocks(const BlockMatrix&, const QuantizedVectors&, std::size_t, std::size_t, float*, std::size_t,
                     std::span<std::byte>) {}

#endif

}  // namespace morgan::engines
