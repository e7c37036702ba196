#include "access/audit_log.h"

#include "base/file.h"
#include "base/file_lock.h"
#include "base/log.h"
#include "base/time_text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace morgan::access {

namespace fs = std::filesystem;

namespace {

std::string numbered(const fs::path& file, int number) {
  return file.string() + "." + std::to_string(number);
}

}  // namespace

AuditFile::~AuditFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> AuditFile::open() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor_ >= 0) return {};
  return fail(ErrorCode::kUnavailable, "cannot write " + file_.string() + ": " + describe_errno(errno, file_));
}

bool AuditFile::is_full() const {
  struct stat status{};
  return ::fstat(descriptor_, &status) == 0 && static_cast<std::uint64_t>(status.st_size) >= most_bytes_;
}

// Another process may have rotated it.
bool AuditFile::was_moved() const {
  struct stat mine{};
  struct stat named{};
  if (::fstat(descriptor_, &mine) != 0 || ::stat(file_.c_str(), &named) != 0) return true;
  return mine.st_ino != named.st_ino || mine.st_dev != named.st_dev;
}

Result<void> AuditFile::rotate() {
  MORGAN_TRY(const FileLock lock, FileLock::take(file_.string() + ".lock"));
  MORGAN_CHECK_OK(open());
  if (!is_full()) return {};  // another process was first
  std::error_code ignored;    // a number that is not there yet
  for (int number = kKept - 1; number >= 1; --number)
    fs::rename(numbered(file_, number), numbered(file_, number + 1), ignored);
  fs::rename(file_, numbered(file_, 1), ignored);
  return open();
}

Result<void> AuditFile::append(const OrderedJson& event) {
  if (descriptor_ < 0 || was_moved()) MORGAN_CHECK_OK(open());
  if (is_full()) MORGAN_CHECK_OK(rotate());
  OrderedJson timed{{"time", now_iso8601()}};
  timed.update(event);
  const std::string line = dump_json(timed) + "\n";
  // One call: lines of several processes do not mix.
  if (::write(descriptor_, line.data(), line.size()) == static_cast<ssize_t>(line.size())) return {};
  return fail(ErrorCode::kUnavailable, "cannot write " + file_.string() + ": " + describe_errno(errno, file_));
}

AuditLog::AuditLog(fs::path file, std::uint64_t most_bytes)
    : file_(std::move(file), most_bytes), thread_([this] { run(); }) {}

AuditLog::~AuditLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void AuditLog::record(OrderedJson event) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= kMostWaiting) {
    ++lost_;
    return;
  }
  waiting_.push_back(std::move(event));
  changed_.notify_one();
}

void AuditLog::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::deque<OrderedJson> events;
    events.swap(waiting_);
    const std::uint64_t lost = std::exchange(lost_, 0);
    lock.unlock();
    for (const OrderedJson& event : events)
      write(event);
    if (lost > 0) write(OrderedJson{{"event", "lost"}, {"count", lost}});
    lock.lock();
  }
}

void AuditLog::write(const OrderedJson& event) {
  const Result<void> written = file_.append(event);
  if (!written && !complained_) log::error("audit", "an event was not written", {{"why", written.error().message}});
  complained_ = !written;
}

}  // namespace morgan::access
