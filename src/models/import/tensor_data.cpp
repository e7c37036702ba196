#include "models/import/tensor_data.h"
#include "models/import/append.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace morgan::models {

namespace {

constexpr std::uint64_t kChunk = 1 << 16;  // numbers per piece; a multiple of kQ8Block
constexpr float kQ8Max = 127.0F;

void to_floats(StoredType type, std::span<const std::byte> bytes, std::span<float> values) {
  if (type == StoredType::kFloat32) {
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint16_t half = 0;
    std::memcpy(&half, bytes.data() + i * sizeof half, sizeof half);
    values[i] = type == StoredType::kFloat16 ? half_to_float(half)
                                             : std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16U);
  }
}

}  // namespace

float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16U;
  const std::uint32_t exponent = (half >> 10U) & 0x1FU;
  const std::uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000U | (mantissa << 13U));
  return std::bit_cast<float>(sign | ((exponent + 112U) << 23U) | (mantissa << 13U));
}

std::uint16_t float_to_half(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16U) & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  constexpr std::uint32_t kInfinity = 0x7F800000U;
  constexpr std::uint32_t kOverflow = 0x477FF000U;        // 65520: rounds to infinity
  constexpr std::uint32_t kSmallestNormal = 0x38800000U;  // 2^-14
  if (magnitude > kInfinity) return static_cast<std::uint16_t>(sign | 0x7E00U);
  if (magnitude >= kOverflow) return static_cast<std::uint16_t>(sign | 0x7C00U);
  if (magnitude < kSmallestNormal) {
    // Multiples of 2^-24: nearbyint rounds to even as the default rounding mode does.
    const float steps = std::nearbyint(std::ldexp(std::bit_cast<float>(magnitude), 24));
    return static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(steps));
  }
  const std::uint32_t rounded = magnitude + 0xFFFU + ((magnitude >> 13U) & 1U);
  return static_cast<std::uint16_t>(sign | ((rounded >> 13U) - (112U << 10U)));
}

std::size_t size_of(StoredType type) {
  switch (type) {
    case StoredType::kFloat32:
      return 4;
    case StoredType::kFloat16:
    case StoredType::kBfloat16:
      return 2;
    case StoredType::kOther:
      break;
  }
  return 0;
}

std::uint64_t bytes_of(GgmlType type, std::uint64_t count) {
  switch (type) {
    case GgmlType::kF32:
      return count * 4;
    case GgmlType::kF16:
      return count * 2;
    case GgmlType::kQ8_0:
      break;
  }
  return count / kQ8Block * (kQ8Block + 2);
}

std::uint64_t StoredTensor::count() const {
  std::uint64_t product = 1;
  for (const std::uint64_t side : shape)
    product *= side;
  return product;
}

std::string shape_text(std::span<const std::uint64_t> shape) {
  std::string text = "[";
  for (const std::uint64_t side : shape)
    text += (text.size() > 1 ? ", " : "") + std::to_string(side);
  return text + "]";
}

void quantize_q8_0(std::span<const float> values, std::string& out) {
  for (std::size_t start = 0; start + kQ8Block <= values.size(); start += kQ8Block) {
    const std::span<const float> block = values.subspan(start, kQ8Block);
    float largest = 0;
    for (const float value : block)
      largest = std::max(largest, std::fabs(value));
    const float scale = largest / kQ8Max;
    const float inverse = scale != 0 ? 1.0F / scale : 0.0F;
    append(out, float_to_half(scale));
    for (const float value : block) {
      // A damaged model may hold NaN, whose conversion to an integer would be undefined.
      const float level = std::round(value * inverse);
      append(out, static_cast<std::int8_t>(std::isfinite(level) ? std::clamp(level, -kQ8Max, kQ8Max) : 0.0F));
    }
  }
}

Result<void> write_numbers(const FileReader& file, const StoredTensor& tensor, std::uint64_t first, std::uint64_t count,
                           GgmlType type, PartFile& out) {
  const std::size_t width = size_of(tensor.type);
  if (width == 0) return fail(ErrorCode::kUnsupported, tensor.name + " does not hold floating-point numbers");
  const std::uint64_t available = tensor.bytes / width;
  if (first > available || count > available - first) return file.corrupt(tensor.name + " is too short");

  std::vector<std::byte> raw;
  std::vector<float> values;
  std::string encoded;
  while (count > 0) {
    const std::uint64_t step = std::min(count, kChunk);
    raw.resize(static_cast<std::size_t>(step) * width);
    MORGAN_CHECK_OK(file.read_at(tensor.offset + first * width, raw));
    values.resize(static_cast<std::size_t>(step));
    to_floats(tensor.type, raw, values);
    encoded.clear();
    if (type == GgmlType::kQ8_0) {
      quantize_q8_0(values, encoded);
    } else if (type == GgmlType::kF16) {
      for (const float value : values)
        append(encoded, float_to_half(value));
    } else {
      encoded.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    }
    MORGAN_CHECK_OK(out.write(encoded));
    first += step;
    count -= step;
  }
  return {};
}

}  // namespace morgan::models
