#include "models/import/file_reader.h"

#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <utility>

namespace morgan::models {

static_assert(std::endian::native == std::endian::little, "model files are little-endian and read as they are");

FileReader::FileReader(std::filesystem::path path, int descriptor, std::uint64_t size)
    : path_(std::move(path)), descriptor_(descriptor), size_(size) {}

FileReader::FileReader(FileReader&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}

FileReader::~FileReader() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<FileReader> FileReader::open(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                "cannot open " + path.string() + ": " + describe_errno(errno, path));
  }
  FileReader file(path, descriptor, 0);
  struct ::stat info{};
  if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    return fail(ErrorCode::kUnavailable, path.string() + " is not a file");
  }
  file.size_ = static_cast<std::uint64_t>(info.st_size);
  return file;
}

Failure FileReader::corrupt(const std::string& why) const {
  return fail(ErrorCode::kCorrupt, path_.string() + ": " + why);
}

Result<void> FileReader::read_at(std::uint64_t offset, std::span<std::byte> bytes) const {
  if (offset > size_ || bytes.size() > size_ - offset) return corrupt("ends too early");
  while (!bytes.empty()) {
    const ssize_t count = ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return fail(ErrorCode::kUnavailable, "cannot read " + path_.string() + ": " + describe_errno(errno, path_));
    }
    if (count == 0) return corrupt("became shorter while it was read");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<std::string> FieldReader::text(std::uint64_t length) {
  if (position_ > file_.size() || length > file_.size() - position_) return file_.corrupt("ends too early");
  std::string value(static_cast<std::size_t>(length), '\0');
  MORGAN_CHECK_OK(file_.read_at(position_, std::as_writable_bytes(std::span(value.data(), value.size()))));
  position_ += length;
  return value;
}

Result<void> FieldReader::skip(std::uint64_t bytes) {
  if (position_ > file_.size() || bytes > file_.size() - position_) return file_.corrupt("ends too early");
  position_ += bytes;
  return {};
}

}  // namespace morgan::models
