// Files: whole reads with a limit, atomic writes, and the folders Morgan lives in.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace morgan {

/// @error kNotFound  no such file   @error kTooLarge  more than `limit` bytes   @error kUnavailable  not readable
Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t limit);

/// Writes beside `path`, fsyncs and renames: a reader sees the old or the new content, never a part.
/// @param mode  the file's permissions, before the umask; 0600 for what only its owner may read
/// @error kUnavailable  disk full, no permission; says which
Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view content, unsigned mode = 0644);

/// By what a file is known to have changed.
struct FileStamp {
  std::uint64_t inode = 0;
  std::int64_t size = -1;  ///< -1: no file
  std::int64_t written_ns = 0;

  static FileStamp of(const std::filesystem::path& file);
  bool operator==(const FileStamp&) const = default;
};

/// fsync of a file or a directory. @error kUnavailable
Result<void> sync_path(const std::filesystem::path& path);

/// "No space left on device (the file system of /x has 0 B free)": errno as a person reads it.
std::string describe_errno(int error_number, const std::filesystem::path& path);

/// $MORGAN_HOME, or $XDG_DATA_HOME/morgan, or ~/.local/share/morgan. Not created.
std::filesystem::path morgan_home();

/// Bytes free for an ordinary user on the file system that would hold `path`; 0 when unknown.
std::uint64_t free_bytes(const std::filesystem::path& path);

}  // namespace morgan
