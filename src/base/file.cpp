#include "base/file.h"

#include "base/strings.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace morgan {

namespace fs = std::filesystem;

namespace {

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }

 private:
  int number_;
};

Failure unavailable(std::string_view action, const fs::path& path) {
  return fail(ErrorCode::kUnavailable,
              "cannot " + std::string(action) + " " + path.string() + ": " + describe_errno(errno, path));
}

}  // namespace

Result<std::string> read_file(const fs::path& path, std::uint64_t limit) {
  std::error_code status;
  const std::uintmax_t size = fs::file_size(path, status);
  if (status) {
    return fail(status == std::errc::no_such_file_or_directory ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                "cannot read " + path.string() + ": " + status.message());
  }
  if (size > limit) {
    return fail(ErrorCode::kTooLarge,
                path.string() + " has " + human_bytes(size) + ", more than the " + human_bytes(limit) + " allowed");
  }
  std::ifstream stream(path, std::ios::binary);
  std::string content(static_cast<std::size_t>(size), '\0');
  stream.read(content.data(), static_cast<std::streamsize>(size));
  if (!stream || stream.gcount() != static_cast<std::streamsize>(size)) return unavailable("read", path);
  return content;
}

Result<void> write_file_atomically(const fs::path& path, std::string_view content, unsigned mode) {
  static std::atomic<unsigned> counter{0};
  const fs::path part = path.string() + ".new-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
  {
    const Descriptor file(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (file.get() < 0) return unavailable("create", part);
    std::string_view rest = content;
    while (!rest.empty()) {
      const ssize_t written = ::write(file.get(), rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        Failure failure = unavailable("write", part);
        ::unlink(part.c_str());
        return failure;
      }
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(file.get()) != 0) {
      Failure failure = unavailable("write", part);
      ::unlink(part.c_str());
      return failure;
    }
  }
  if (::rename(part.c_str(), path.c_str()) != 0) {
    Failure failure = unavailable("rename", part);
    ::unlink(part.c_str());
    return failure;
  }
  return sync_path(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

FileStamp FileStamp::of(const std::filesystem::path& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return {};
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  return {status.st_ino, status.st_size, status.st_mtim.tv_sec * kNanoseconds + status.st_mtim.tv_nsec};
}

Result<void> sync_path(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 || ::fsync(file.get()) != 0) return unavailable("sync", path);
  return {};
}

std::string describe_errno(int error_number, const fs::path& path) {
  std::string text = std::strerror(error_number);
  if (error_number == ENOSPC || error_number == EDQUOT) {
    text += " (" + human_bytes(free_bytes(path)) + " free there; free some space or set MORGAN_HOME to another disk)";
  }
  return text;
}

fs::path morgan_home() {
  if (const char* home = std::getenv("MORGAN_HOME"); home != nullptr && *home != '\0') return fs::absolute(home);
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data == '/')
    return fs::path(data) / "morgan";
  const char* user_home = std::getenv("HOME");
  return fs::path(user_home != nullptr && *user_home != '\0' ? user_home : ".") / ".local/share/morgan";
}

std::uint64_t free_bytes(const fs::path& path) {
  fs::path existing = fs::absolute(path);
  std::error_code status;
  while (!fs::exists(existing, status) && existing.has_relative_path())
    existing = existing.parent_path();
  const fs::space_info space = fs::space(existing, status);
  return status ? 0 : space.available;
}

}  // namespace morgan
