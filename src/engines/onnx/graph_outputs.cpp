#include "engines/onnx/graph_outputs.h"

namespace morgan::engines::onnx {

namespace {

/// A field whose content has a length (wire type 2).
std::string field(unsigned number, std::string_view content) {
  std::string out;
  const auto append_varint = [&out](std::size_t value) {
    for (; value >= 0x80; value >>= 7)
      out += static_cast<char>(static_cast<unsigned char>((value & 0x7F) | 0x80));
    out += static_cast<char>(static_cast<unsigned char>(value));
  };
  append_varint(number << 3 | 2);
  append_varint(content.size());
  out += content;
  return out;
}

}  // namespace

bool makes_value(std::string_view model, std::string_view name) {
  constexpr unsigned kNodeOutput = 2;
  return model.find(field(kNodeOutput, name)) != std::string_view::npos;
}

std::string float_outputs(std::span<const std::string> names) {
  constexpr std::string_view kElementIsFloat{"\x08\x01", 2};
  std::string graph;
  for (const std::string& name : names) {
    const std::string type = field(1, kElementIsFloat);
    graph += field(12, field(1, name) + field(2, type));
  }
  return field(7, graph);
}

}  // namespace morgan::engines::onnx
