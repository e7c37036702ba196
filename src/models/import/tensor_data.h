// Numbers of a stored tensor, read in pieces as float32 and written as float32, float16 or q8_0, so that a
// conversion needs little memory whatever the model's size.
#pragma once

#include "base/result.h"
#include "models/import/file_reader.h"
#include "models/part_file.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace morgan::models {

/// @source IEEE 754-2019 binary16; rounding to nearest, ties to even
float half_to_float(std::uint16_t half);
std::uint16_t float_to_half(float value);

/// How numbers are stored in the source file.
enum class StoredType : std::uint8_t { kFloat32, kFloat16, kBfloat16, kOther };
std::size_t size_of(StoredType type);

/// How numbers are stored in the file being written; the values are ggml's type numbers.
enum class GgmlType : std::uint32_t { kF32 = 0, kF16 = 1, kQ8_0 = 8 };
/// Bytes of `count` numbers; for q8_0 a multiple of kQ8Block.
std::uint64_t bytes_of(GgmlType type, std::uint64_t count);
inline constexpr std::size_t kQ8Block = 32;

/// One tensor in a file; shape with the slowest dimension first.
struct StoredTensor {
  std::string name;
  StoredType type = StoredType::kOther;
  std::vector<std::uint64_t> shape;
  std::uint64_t offset = 0;  ///< in the file
  std::uint64_t bytes = 0;

  std::uint64_t count() const;
};

/// "[51865, 512]"
std::string shape_text(std::span<const std::uint64_t> shape);

/// One block of ggml's q8_0 per 32 values: float16 scale, then 32 signed bytes. Appends to `out`.
void quantize_q8_0(std::span<const float> values, std::string& out);

/// Writes `count` numbers of `tensor` from number `first` on. For q8_0 both are multiples of kQ8Block.
/// @error kCorrupt  past the tensor's end   @error kUnsupported  integer weights
Result<void> write_numbers(const FileReader& file, const StoredTensor& tensor, std::uint64_t first, std::uint64_t count,
                           GgmlType type, PartFile& out);

}  // namespace morgan::models
