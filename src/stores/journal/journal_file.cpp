#include "stores/journal/journal_file.h"

#include "base/crc32.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
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

/// The bytes of the whole record that the bytes begin with; nullopt: there is none.
std::optional<std::string_view> record_in(std::string_view bytes) {
  if (bytes.size() <= kRecordHeadBytes) return std::nullopt;
  const std::uint64_t length = get<std::uint32_t>(bytes.data());
  if (length == 0 || length > bytes.size() - kRecordHeadBytes) return std::nullopt;
  const std::string_view record = bytes.substr(kRecordHeadBytes, length);
  if (crc32(record) != get<std::uint32_t>(bytes.data() + 4)) return std::nullopt;
  return record;
}

/// Whether what does not begin with a whole record is the last one, half written or still zeros, which was never
/// acknowledged. Anything else is damage: of the last record's length, or before records that are whole.
bool is_half_written(std::string_view rest) {
  constexpr std::uint64_t kMostChecked = 64'000'000;  // a tenth of a second
  if (rest.find_first_not_of('\0') == std::string_view::npos || rest.size() <= kRecordHeadBytes) return true;
  const std::string_view content = rest.substr(kRecordHeadBytes);
  if (get<std::uint32_t>(rest.data()) <= content.size()) return false;
  if (crc32(content) == get<std::uint32_t>(rest.data() + 4)) return false;
  std::uint64_t checked = 0;
  for (std::string_view later = content; later.size() > kRecordHeadBytes; later.remove_prefix(1)) {
    const std::uint64_t length = get<std::uint32_t>(later.data());
    if (length > later.size() - kRecordHeadBytes) continue;
    checked += length;
    if (checked > kMostChecked || record_in(later)) return false;
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
  // Its name is to survive a power cut, too.
  MORGAN_CHECK_OK(sync_path(journal->folder()));
  return journal;
}

std::filesystem::path JournalFile::folder() const {
  return file_.has_parent_path() ? file_.parent_path() : std::filesystem::path(".");
}

Result<void> JournalFile::write_head(std::uint64_t begin) {
  std::array<char, kHeadBytes> bytes{};
  kMagic.copy(bytes.data(), kMagic.size());
  put(bytes.data() + kMagic.size(), begin);
  if (!write_all(descriptor_, {bytes.data(), bytes.size()}, 0) || ::fdatasync(descriptor_) != 0) {
    return failure("write");
  }
  begin_ = begin;
  return {};
}

Result<void> JournalFile::begin_anew() {
  // First the records, then the place: a file that ends with its head is known to be empty, whatever that says.
  if (::ftruncate(descriptor_, size_ >= kHeadBytes ? static_cast<off_t>(kHeadBytes) : 0) != 0) return failure("empty");
  size_ = kHeadBytes;
  lengths_.clear();
  begin_ = 0;
  // The records are gone. If the head cannot be written, then nothing is added before it can: see add().
  if (::fsync(descriptor_) == 0 && write_head(kHeadBytes)) return {};
  log::error("stores", "the journal was emptied, but its head cannot be written", {{"file", file_.string()}});
  return {};
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
    MORGAN_CHECK_OK(sync_path(copy));
    return sync_path(folder());
  }
}

Result<void> JournalFile::load(std::vector<std::string>& pending) {
  MORGAN_TRY(const std::string content, read_file(file_, std::numeric_limits<std::uint64_t>::max()));
  size_ = content.size();
  const bool is_journal = content.size() >= kHeadBytes && content.starts_with(kMagic);
  begin_ = is_journal ? get<std::uint64_t>(content.data() + kMagic.size()) : 0;
  if (begin_ < kHeadBytes || begin_ > content.size()) {
    // It may have ended while it was made or emptied.
    const bool is_empty = content.size() < kHeadBytes || (is_journal && content.size() == kHeadBytes) ||
                          content.find_first_not_of('\0') == std::string::npos;
    if (!is_empty) MORGAN_CHECK_OK(keep_aside());
    MORGAN_CHECK_OK(begin_anew());
    return begin_ == kHeadBytes ? Result<void>() : write_head(kHeadBytes);
  }
  std::uint64_t at = begin_;
  while (const auto record = record_in(std::string_view(content).substr(at))) {
    pending.emplace_back(*record);
    lengths_.push_back(kRecordHeadBytes + record->size());
    at += lengths_.back();
  }
  if (at == content.size()) return {};
  if (!is_half_written(std::string_view(content).substr(at))) MORGAN_CHECK_OK(keep_aside());
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
  if (begin_ < kHeadBytes) MORGAN_CHECK_OK(write_head(kHeadBytes));
  std::string bytes(kRecordHeadBytes, '\0');
  put(bytes.data(), static_cast<std::uint32_t>(record.size()));
  put(bytes.data() + 4, crc32(record));
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
  MORGAN_CHECK_OK(write_head(place));
  lengths_.erase(lengths_.begin(), lengths_.begin() + static_cast<std::ptrdiff_t>(count));
  return {};
}

}  // namespace morgan::stores
