// The container of Hugging Face weights: a JSON header with name, type, shape and place of each tensor.
#pragma once

#include "base/result.h"
#include "models/import/file_reader.h"
#include "models/import/tensor_data.h"

#include <filesystem>
#include <map>
#include <string>

namespace morgan::models {

class Safetensors {
 public:
  /// @error kNotFound   @error kCorrupt
  static Result<Safetensors> open(const std::filesystem::path& path);

  const FileReader& file() const { return file_; }
  /// The tensor, or null.
  const StoredTensor* find(const std::string& name) const;

 private:
  explicit Safetensors(FileReader file) : file_(std::move(file)) {}
  Result<void> read_header();

  FileReader file_;
  std::map<std::string, StoredTensor> tensors_;
};

}  // namespace morgan::models
