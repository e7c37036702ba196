// A file being written: its bytes go to "<path>.part", which takes the name <path> only when commit() is
// called. An abandoned or killed writer leaves at most a .part, never a wrong <path>.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace morgan::models {

class PartFile {
 public:
  /// Starts anew, over a .part that another writer left behind. Makes the folder.
  /// @error kConflict  another process writes the same file now   @error kUnavailable  disk full, no permission
  static Result<PartFile> create(const std::filesystem::path& path);
  /// As create(), but keeps what a .part already holds; size() tells how much.
  static Result<PartFile> resume(const std::filesystem::path& path);

  PartFile(PartFile&& other) noexcept;
  PartFile& operator=(PartFile&&) = delete;
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;
  /// Removes the .part, unless it was committed or kept.
  ~PartFile();

  Result<void> write(std::string_view bytes);
  Result<void> write(std::span<const std::byte> bytes) {
    return write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  /// Forgets what was written.
  Result<void> truncate();
  /// Flushes to disk and renames to path().
  Result<void> commit();
  /// The .part stays when this object goes, for a later resume().
  void keep() { keep_ = true; }

  std::uint64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path part_path() const { return path_.string() + ".part"; }

 private:
  PartFile(std::filesystem::path path, int descriptor, std::uint64_t size);
  static Result<PartFile> open(const std::filesystem::path& path);
  Result<void> flush();
  Failure unavailable(std::string_view action) const;

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::string buffer_;  // small writes of the importers are gathered
  bool keep_ = false;
};

}  // namespace morgan::models
