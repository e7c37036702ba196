#include "models/part_file.h"

#include "base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace morgan::models {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kBuffer = 1 << 18;

}  // namespace

PartFile::PartFile(fs::path path, int descriptor, std::uint64_t size)
    : path_(std::move(path)), descriptor_(descriptor), size_(size) {}

PartFile::PartFile(PartFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      buffer_(std::move(other.buffer_)),
      keep_(other.keep_) {}

PartFile::~PartFile() {
  if (descriptor_ < 0) return;
  if (keep_) {
    static_cast<void>(flush());
  } else {
    ::unlink(part_path().c_str());
  }
  ::close(descriptor_);
}

Failure PartFile::unavailable(std::string_view action) const {
  return fail(ErrorCode::kUnavailable,
              "cannot " + std::string(action) + " " + path_.string() + ": " + describe_errno(errno, path_));
}

Result<PartFile> PartFile::open(const fs::path& path) {
  std::error_code status;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), status);
  PartFile file(path, -1, 0);
  file.descriptor_ = ::open(file.part_path().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file.descriptor_ < 0) return file.unavailable("create");
  file.keep_ = true;  // not ours to remove before the lock is held
  if (::flock(file.descriptor_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return file.unavailable("lock");
    return fail(ErrorCode::kConflict, "another process is writing " + path.string());
  }
  struct ::stat info{};
  if (::fstat(file.descriptor_, &info) != 0) return file.unavailable("read");
  file.size_ = static_cast<std::uint64_t>(info.st_size);
  if (::lseek(file.descriptor_, 0, SEEK_END) < 0) return file.unavailable("seek in");
  file.keep_ = false;
  return file;
}

Result<PartFile> PartFile::create(const fs::path& path) {
  MORGAN_TRY(PartFile file, open(path));
  MORGAN_CHECK_OK(file.truncate());
  return file;
}

Result<PartFile> PartFile::resume(const fs::path& path) {
  return open(path);
}

Result<void> PartFile::truncate() {
  buffer_.clear();
  if (::ftruncate(descriptor_, 0) != 0 || ::lseek(descriptor_, 0, SEEK_SET) < 0) return unavailable("truncate");
  size_ = 0;
  return {};
}

Result<void> PartFile::write(std::string_view bytes) {
  size_ += bytes.size();
  buffer_.append(bytes);
  if (buffer_.size() < kBuffer) return {};
  return flush();
}

Result<void> PartFile::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return unavailable("write");
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  buffer_.clear();
  return {};
}

Result<void> PartFile::commit() {
  MORGAN_CHECK_OK(flush());
  if (::fsync(descriptor_) != 0) return unavailable("write");
  if (::rename(part_path().c_str(), path_.c_str()) != 0) return unavailable("rename");
  ::close(descriptor_);
  descriptor_ = -1;
  return sync_path(path_.has_parent_path() ? path_.parent_path() : fs::path("."));
}

}  // namespace morgan::models
