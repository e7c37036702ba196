// Products of a matrix in one of ggml's block formats with a few or many vectors, by AVX-512 VNNI: what reading a
// prompt and writing an answer spend their time on. Weights stay as the model file has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace morgan::engines {

/// As ggml defines them: 32 weights of 5 or 8 bits with one scale, or 256 of 6 bits with a scale for each 16.
enum class BlockFormat : std::uint8_t { kQ5_0, kQ8_0, kQ6_K };

/// The processor has the instructions; without them only the sizes below may be asked for.
bool has_block_products();

/// Weights in a block of this format: columns must be a multiple of it.
std::size_t block_length(BlockFormat format);
std::size_t block_bytes(BlockFormat format);

/// One matrix of `rows` rows, each of columns / block_length() blocks, row_bytes apart.
struct BlockMatrix {
  BlockFormat format = BlockFormat::kQ8_0;
  const std::byte* blocks = nullptr;
  std::size_t rows = 0;     ///< at least kRowsAtOnce
  std::size_t columns = 0;  ///< a multiple of block_length()
  std::size_t row_bytes = 0;
};

/// So many rows are multiplied beside each other, one in each lane.
inline constexpr std::size_t kRowsAtOnce = 16;

/// Vectors in 8 bits, 32 values with a scale, laid out for the product. The memory is the caller's.
class QuantizedVectors {
 public:
  static std::size_t bytes(std::size_t vectors, std::size_t columns);
  /// @param memory  of bytes(), aligned to 64
  QuantizedVectors(std::span<std::byte> memory, std::size_t vectors, std::size_t columns);

  /// @param from, to  which of the vectors; they may be done in several threads
  /// @param stride  floats from one vector to the next
  void quantize(BlockFormat format, const float* x, std::size_t stride, std::size_t from, std::size_t to);

  std::size_t vectors() const { return vectors_; }
  std::size_t columns() const { return columns_; }
  // Of 32 columns, for all vectors one after the other.
  /// Four values in each, the first in the lowest bits.
  const std::int32_t* values(std::size_t group) const { return values_ + group * vectors_ * (kGroup / 4); }
  const float* scales(std::size_t group) const { return scales_ + group * vectors_; }
  /// What the zero of the format adds to the sums of the first and the second 16, negative.
  const std::int32_t* corrections(std::size_t group, std::size_t half) const {
    return corrections_ + (group * 2 + half) * vectors_;
  }

  static constexpr std::size_t kGroup = 32;

 private:
  std::size_t vectors_;
  std::size_t columns_;
  std::int32_t* values_;
  float* scales_;
  std::int32_t* corrections_;
};

/// What multiply_blocks() needs of memory for itself, aligned to 64.
std::size_t product_scratch_bytes(std::size_t columns);

/// out[v * stride + row] = sum over the columns of weights[row] * x[v], for the rows from `first` up to `end`. The sum
/// of a row does not depend on what else is multiplied with it: one vector alone gives the same bits.
/// @param first  a multiple of kRowsAtOnce
/// @param end  a multiple of kRowsAtOnce, or weights.rows
/// @thread several at once, for other rows, each with a scratch of its own
/// @source the block formats: llama.cpp's ggml-common.h
void multiply_blocks(const BlockMatrix& weights, const QuantizedVectors& x, std::size_t first, std::size_t end,
                     float* out, std::size_t stride, std::span<std::byte> scratch);

}  // namespace morgan::engines
