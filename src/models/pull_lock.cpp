#include "models/pull_lock.h"

#include "base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <thread>
#include <utility>

namespace morgan::models {

namespace {

constexpr auto kRetryInterval = std::chrono::milliseconds(100);

}  // namespace

PullLock::PullLock(PullLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

PullLock::~PullLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<PullLock> PullLock::acquire(const std::filesystem::path& file, const std::function<void()>& on_wait,
                                   const StopToken& stop) {
  std::error_code status;
  std::filesystem::create_directories(file.parent_path(), status);
  // Not inherited: a pip that outlives us must not hold it.
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    return fail(ErrorCode::kUnavailable, "cannot make " + file.string() + ": " + describe_errno(errno, file));
  }
  PullLock lock(descriptor);
  while (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return fail(ErrorCode::kUnavailable, "cannot lock " + file.string() + ": " + describe_errno(errno, file));
    }
    if (stop.stop_requested()) return fail(stop.error());
    on_wait();
    std::this_thread::sleep_for(kRetryInterval);
  }
  return lock;
}

}  // namespace morgan::models
