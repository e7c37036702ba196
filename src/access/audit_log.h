// Who did what, one JSON object a line, for whoever has to find out later. It holds ids, addresses and results; never a
// key, a text or a voice. Files are bounded: a full one becomes <name>.1, the older ones move on, the oldest goes.
#pragma once

#include "base/json_util.h"
#include "base/result.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace morgan::access {

/// The file itself, which several processes may write. @thread one
class AuditFile {
 public:
  static constexpr int kKept = 5;  ///< full files

  AuditFile(std::filesystem::path file, std::uint64_t most_bytes) : file_(std::move(file)), most_bytes_(most_bytes) {}
  ~AuditFile();
  AuditFile(const AuditFile&) = delete;
  AuditFile& operator=(const AuditFile&) = delete;

  static std::filesystem::path file_of(const std::filesystem::path& home) { return home / "audit.jsonl"; }

  /// Adds whole lines, and the time to each before them. @error kUnavailable  disk full, no permission
  Result<void> append(const OrderedJson& event);

 private:
  Result<void> open();
  Result<void> rotate();
  bool is_full() const;
  bool was_moved() const;

  const std::filesystem::path file_;
  const std::uint64_t most_bytes_;
  int descriptor_ = -1;
};

/// The same for a server: record() never waits for the disk. A thread of its own writes. @thread any
class AuditLog {
 public:
  static constexpr std::size_t kMostWaiting = 4'096;  ///< further events are counted, and the number is written

  AuditLog(std::filesystem::path file, std::uint64_t most_bytes);
  /// Writes what waits.
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  /// @param event  a JSON object; the time is added
  void record(OrderedJson event);

 private:
  void run();
  void write(const OrderedJson& event);

  AuditFile file_;           // the thread's
  bool complained_ = false;  // the thread's: of a disk that takes nothing
  std::mutex mutex_;         // guards everything below
  std::condition_variable changed_;
  std::deque<OrderedJson> waiting_;
  std::uint64_t lost_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace morgan::access
