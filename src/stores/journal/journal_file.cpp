#include "stores/journal/journal_file.h"

#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

namespace morgan::stores {

namespace {

constexpr std::string_view kMagic = "MRGNJRN1";
constexpr std::uint64_t kHeadBytes = 16;
constexpr std::uint64_t kRecordHeadBytes = 8;

template <typename Number>
void put(char* at, Number number) {
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    at[i] = static_cast<char>(static_cast<unsigned char>(number >> (8 * i)));
}

template <typename Number>
Number get(const char* at) {
  Number number = 0;
  for (std::size_t i = sizeof(Number); i-- > 0;)
    number = static_cast<Number>((number << 8) | static_cast<unsigned char>(at[i]));
  return number;
}

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

bool write_all(int descriptor, std::string_view bytes, std::uint64_t place) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(place));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
    place += static_cast<std::uint64_t>(written);
  }
  return true;
}

}  // namespace

JournalFile::~JournalFile() {
  ::close(descriptor_);
}

Failure JournalFile::failure(std::string_view action) const {
  return fail(ErrorCode::kUnavailable,
              "cannot " + std::string(action) + " the journal " + file_.string() + ": " + describe_errno(errno, file_));
}

Result<std::unique_ptr<JournalFile>> JournalFile::open(const std::filesystem::path& file, std::uint64_t most_bytes,
                                                       std::vector<std::string>& pending) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return fail(ErrorCode::kUnavailable, "cannot open the journal " + file.string() + ": " +
                                             describe_errno(errno, file) +
                                             "; choose a folder that this user may write to");
  }
  std::unique_ptr<JournalFile> journal(new JournalFile(file, descriptor, most_bytes));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::kConflict,
                "the journal " + file.string() + " is in use by another Morgan; give each a MORGAN_HOME of its own");
  }
  MORGAN_CHECK_OK(journal->load(pending));
  return journal;
}

Result<void> JournalFile::write_begin(std::uint64_t place) {
  std::array<char, 8> bytes{};
  put(bytes.data(), place);
  if (!write_all(descriptor_, {bytes.data(), bytes.size()}, kMagic.size()) || ::fdatasync(descriptor_) != 0) {
    return failure("write");
  }
  begin_ = place;
  return {};
}

Result<void> JournalFile::begin_anew() {
  // First the records, then the place: a place beyond the end is known to mean an empty journal.
  if (::ftruncate(descriptor_, size_ >= kHeadBytes ? static_cast<off_t>(kHeadBytes) : 0) != 0 ||
      ::fsync(descriptor_) != 0) {
    return failure("empty");
  }
  if (!write_all(descriptor_, kMagic, 0)) return failure("write");
  size_ = kHeadBytes;
  lengths_.clear();
  return write_begin(kHeadBytes);
}

Result<void> JournalFile::keep_aside() const {
  std::error_code status;
  for (int number = 1;; ++number) {
    const std::filesystem::path copy = file_.string() + ".damaged-" + std::to_string(number);
    if (std::filesystem::exists(copy, status)) continue;
    std::filesystem::copy_file(file_, copy, status);
    if (status) {
      return fail(ErrorCode::kCorrupt, "the journal " + file_.string() + " is damaged and cannot be kept aside (" +
                                           status.message() + "); move it away by hand");
    }
    log::error("stores", "the journal is damaged: kept aside, what stands before the damage is used",
               {{"copy", copy.string()}});
    return sync_path(copy);
  }
}

Result<void> JournalFile::load(std::vector<std::string>& pending) {
  MORGAN_TRY(const std::string content, read_file(file_, std::numeric_limits<std::uint64_t>::max()));
  size_ = content.size();
  if (content.empty()) {
    MORGAN_CHECK_OK(begin_anew());
    return sync_path(file_.has_parent_path() ? file_.parent_path() : std::filesystem::path("."));
  }
  if (content.size() < kHeadBytes) return begin_anew();  // ended while it was made
  if (std::string_view(content).substr(0, kMagic.size()) != kMagic) {
    MORGAN_CHECK_OK(keep_aside());
    return begin_anew();
  }
  begin_ = get<std::uint64_t>(content.data() + kMagic.size());
  if (begin_ < kHeadBytes || begin_ > content.size()) return begin_anew();
  std::uint64_t at = begin_;
  while (at < content.size()) {
    const std::uint64_t left = content.size() - at;
    const std::uint64_t length = left < kRecordHeadBytes ? 0 : get<std::uint32_t>(content.data() + at);
    const bool whole = length > 0 && length <= left - std::min(left, kRecordHeadBytes);
    const std::string_view record =
        whole ? std::string_view(content).substr(at + kRecordHeadBytes, length) : std::string_view();
    if (!whole || checksum(record) != get<std::uint32_t>(content.data() + at + 4)) break;
    pending.emplace_back(record);
    lengths_.push_back(kRecordHeadBytes + length);
    at += kRecordHeadBytes + length;
  }
  if (at == content.size()) return {};
  // The last record, half written or still zeros, was never acknowledged. Anything else is damage.
  const std::string_view rest = std::string_view(content).substr(at);
  const bool half = rest.size() < kRecordHeadBytes ||
                    get<std::uint32_t>(rest.data()) > rest.size() - kRecordHeadBytes ||
                    rest.find_first_not_of('\0') == std::string_view::npos;
  if (!half) MORGAN_CHECK_OK(keep_aside());
  if (::ftruncate(descriptor_, static_cast<off_t>(at)) != 0 || ::fsync(descriptor_) != 0) return failure("mend");
  size_ = at;
  return {};
}

Result<void> JournalFile::add(std::string_view record) {
  const std::uint64_t length = kRecordHeadBytes + record.size();
  if (size_ + length > most_bytes_) {
    return fail(ErrorCode::kUnavailable, "the journal " + file_.string() + " is full (" + human_bytes(most_bytes_) +
                                             "): the database has been away for too long; bring it back, or raise "
                                             "store.journal_mb");
  }
  std::string bytes(kRecordHeadBytes, '\0');
  put(bytes.data(), static_cast<std::uint32_t>(record.size()));
  put(bytes.data() + 4, checksum(record));
  bytes += record;
  if (!write_all(descriptor_, bytes, size_) || ::fdatasync(descriptor_) != 0) {
    Failure failed = failure("write");
    // What was written of it must not stand before the next.
    if (::ftruncate(descriptor_, static_cast<off_t>(size_)) != 0) {
      log::error("stores", "a half written record stays in the journal", {{"file", file_.string()}});
    }
    return failed;
  }
  size_ += length;
  lengths_.push_back(length);
  return {};
}

Result<void> JournalFile::done(std::size_t count) {
  count = std::min(count, lengths_.size());
  if (count == lengths_.size()) return begin_anew();
  std::uint64_t place = begin_;
  for (std::size_t i = 0; i < count; ++i)
    place += lengths_[i];
  MORGAN_CHECK_OK(write_begin(place));
  lengths_.erase(lengths_.begin(), lengths_.begin() + static_cast<std::ptrdiff_t>(count));
  return {};
}

}  // namespace morgan::stores
