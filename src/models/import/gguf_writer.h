// Writes llama.cpp's model container: settings and tensor list first, then the tensors' numbers.
#pragma once

#include "base/result.h"
#include "models/import/tensor_data.h"
#include "models/part_file.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::models {

/// @source ggml, include/gguf.h: version 3, alignment 32
class GgufWriter {
 public:
  void set(std::string_view key, std::uint32_t value);
  void set(std::string_view key, float value);
  void set_flag(std::string_view key, bool value);
  void set_text(std::string_view key, std::string_view value);
  void set_texts(std::string_view key, std::span<const std::string> values);
  void set_numbers(std::string_view key, std::span<const std::int32_t> values);

  /// `source` has to live until write(); its numbers are stored as `type`.
  void add(std::string name, const StoredTensor& source, GgmlType type);

  /// @param progress  called after each tensor with the part done
  Result<void> write(const FileReader& numbers, PartFile& out, const std::function<void(double)>& progress) const;

 private:
  struct Entry {
    std::string name;
    const StoredTensor* source;  // owned by the container it was read from
    GgmlType type;
  };
  void begin(std::string_view key, std::uint32_t kind);

  std::string settings_;
  std::uint64_t setting_count_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace morgan::models
