#include "engines/onnx/model_fields.h"

namespace morgan::engines::onnx {

std::optional<Field> Fields::next() {
  const std::string_view begin = rest_;
  const auto tag = varint();
  if (!tag) return std::nullopt;
  std::optional<std::uint64_t> size = 0;
  switch (*tag & 7) {
    case 0:
      if (!varint()) return std::nullopt;
      break;
    case 1:
      size = 8;
      break;
    case 2:
      size = varint();
      break;
    case 5:
      size = 4;
      break;
    default:
      return std::nullopt;
  }
  if (!size || *size > rest_.size()) return std::nullopt;
  Field field;
  field.number = *tag >> 3;
  field.content = rest_.substr(0, *size);
  rest_.remove_prefix(*size);
  field.whole = begin.substr(0, begin.size() - rest_.size());
  return field;
}

std::optional<std::uint64_t> Fields::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(rest_[0]);
    rest_.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::string field_of(std::uint64_t number, std::string_view content) {
  std::string out;
  const auto append_varint = [&out](std::uint64_t value) {
    for (; value >= 0x80; value >>= 7)
      out += static_cast<char>(static_cast<unsigned char>((value & 0x7F) | 0x80));
    out += static_cast<char>(static_cast<unsigned char>(value));
  };
  append_varint(number << 3 | 2);
  append_varint(content.size());
  out += content;
  return out;
}

std::string_view content_of(std::string_view message, std::uint64_t number) {
  Fields fields(message);
  while (const auto field = fields.next()) {
    if (field->number == number) return field->content;
  }
  return {};
}

}  // namespace morgan::engines::onnx
