// A protobuf message as a list of fields, read and written without a protobuf library: what a change leaves alone is
// copied as it is. Private to onnx/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace morgan::engines::onnx {

/// One field of a message: its number, its content when that has a length, and all its bytes.
struct Field {
  std::uint64_t number = 0;
  std::string_view content;
  std::string_view whole;
};

class Fields {
 public:
  explicit Fields(std::string_view message) : rest_(message) {}
  /// The next field; nothing at the end, or where the bytes are none.
  std::optional<Field> next();
  /// All of the message was read.
  bool done() const { return rest_.empty(); }

 private:
  std::optional<std::uint64_t> varint();

  std::string_view rest_;
};

/// A field with a length.
std::string field_of(std::uint64_t number, std::string_view content);
/// The first field of that number, or "".
std::string_view content_of(std::string_view message, std::uint64_t number);

}  // namespace morgan::engines::onnx
