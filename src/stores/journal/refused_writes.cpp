#include "stores/journal/refused_writes.h"

#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace morgan::stores {

namespace {

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// Nothing stays of a line that was not written whole.
bool add_line(int descriptor, std::string_view line) {
  struct stat before{};
  if (::fchmod(descriptor, 0600) != 0 || ::fstat(descriptor, &before) != 0) return false;
  if (write_all(descriptor, line) && ::fdatasync(descriptor) == 0) return true;
  const int why = errno;
  static_cast<void>(::ftruncate(descriptor, before.st_size) != 0);
  errno = why;
  return false;
}

}  // namespace

Result<void> keep_refused(const std::filesystem::path& file, std::string_view record) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  const bool added = descriptor >= 0 && add_line(descriptor, std::string(record) + '\n');
  const int why = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!added) {
    return fail(ErrorCode::kUnavailable,
                "what the database refused cannot be kept in " + file.string() + ": " + describe_errno(why, file));
  }
  return sync_path(file.has_parent_path() ? file.parent_path() : std::filesystem::path("."));
}

}  // namespace morgan::stores
