// A file of records that survives kill -9 and power cuts: what was added and is not done is there at the next start,
// in order. One process at a time. Private to this folder.
//
// Form: "MRGNJRN1", 8 bytes of the place of the first record that is not done, then records: length and CRC-32 (4 bytes
// each, little endian), bytes.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::stores {

/// @thread one caller at a time
class JournalFile {
 public:
  /// Makes it when missing, for its owner only. A record that was being written when the process ended is dropped. A
  /// damaged file is kept aside (NAME.damaged-1), and what stands before the damage is used.
  /// @param pending  receives the records that are not done
  /// @error kConflict  another process has it   @error kUnavailable
  static Result<std::unique_ptr<JournalFile>> open(const std::filesystem::path& file, std::uint64_t most_bytes,
                                                   std::vector<std::string>& pending);
  ~JournalFile();
  JournalFile(const JournalFile&) = delete;
  JournalFile& operator=(const JournalFile&) = delete;

  /// Durable when it returns. @error kUnavailable  full, or the disk is: nothing was added
  Result<void> add(std::string_view record);
  /// The first `count` records that are not done are; durable when it returns. The file is emptied with the last.
  /// @error kUnavailable  nothing was changed
  Result<void> done(std::size_t count);
  std::uint64_t bytes() const { return size_; }

 private:
  JournalFile(std::filesystem::path file, int descriptor, std::uint64_t most_bytes)
      : file_(std::move(file)), descriptor_(descriptor), most_bytes_(most_bytes) {}
  Result<void> begin_anew();
  Result<void> load(std::vector<std::string>& pending);
  Result<void> keep_aside() const;
  Result<void> write_head(std::uint64_t begin);
  std::filesystem::path folder() const;
  Failure failure(std::string_view action) const;

  const std::filesystem::path file_;
  int descriptor_;
  const std::uint64_t most_bytes_;
  std::uint64_t size_ = 0;
  std::uint64_t begin_ = 0;              // of the first record that is not done; 0: the head is to be written
  std::deque<std::uint64_t> lengths_{};  // of the records that are not done, with their heads
};

}  // namespace morgan::stores
