// Reading a binary file that may be damaged or hostile: every read is checked against the file's end.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <type_traits>

namespace morgan::models {

class FileReader {
 public:
  /// @error kNotFound   @error kUnavailable
  static Result<FileReader> open(const std::filesystem::path& path);

  FileReader(FileReader&& other) noexcept;
  FileReader& operator=(FileReader&&) = delete;
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;
  ~FileReader();

  /// Reads exactly bytes.size() at `offset`. @error kCorrupt  the file ends before
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> bytes) const;

  std::uint64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }
  Failure corrupt(const std::string& why) const;

 private:
  FileReader(std::filesystem::path path, int descriptor, std::uint64_t size);

  std::filesystem::path path_;
  int descriptor_;
  std::uint64_t size_;
};

/// Reads the little-endian fields of a header one after the other.
class FieldReader {
 public:
  explicit FieldReader(const FileReader& file) : file_(file) {}

  template <typename T>
  Result<T> number() {
    static_assert(std::is_arithmetic_v<T>);
    T value{};
    MORGAN_CHECK_OK(file_.read_at(position_, std::as_writable_bytes(std::span(&value, 1))));
    position_ += sizeof value;
    return value;
  }
  /// @error kCorrupt  the file ends before `length` bytes
  Result<std::string> text(std::uint64_t length);
  Result<void> skip(std::uint64_t bytes);

  std::uint64_t position() const { return position_; }

 private:
  const FileReader& file_;
  std::uint64_t position_ = 0;
};

}  // namespace morgan::models
