// The container of CTranslate2 models (model.bin): a header, then variables with name, shape and numbers.
#pragma once

#include "base/result.h"
#include "models/import/file_reader.h"
#include "models/import/tensor_data.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace morgan::models {

class Ct2File {
 public:
  /// Reads the list of variables, not their numbers.
  /// @error kNotFound   @error kCorrupt   @error kUnsupported  another version of the container; integer weights
  static Result<Ct2File> open(const std::filesystem::path& path);

  const std::string& spec() const { return spec_; }  ///< "WhisperSpec"
  const FileReader& file() const { return file_; }
  bool has(const std::string& name) const { return tensors_.contains(name); }
  /// @error kCorrupt  not there
  Result<const StoredTensor*> tensor(const std::string& name) const;
  /// A variable that is one whole number; nullopt when it is not there or of another kind.
  Result<std::optional<long long>> integer(const std::string& name) const;

 private:
  explicit Ct2File(FileReader file) : file_(std::move(file)) {}
  Result<void> read_variables();

  FileReader file_;
  std::string spec_;
  std::map<std::string, StoredTensor> tensors_;
};

}  // namespace morgan::models
